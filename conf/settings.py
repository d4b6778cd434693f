"""Every setting with its type, bounds, default and meaning; the loader takes its messages from here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from conf.endpoints import LOOPBACK, PORT_OFFSETS, Door, line_protocol

Port = Annotated[int, Meta(ge=0, le=65535)]


class Database(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the rows are."""

    url: Annotated[
        str,
        Meta(
            description='"" is SQLite in <data>/desk.sqlite3; for many machines PostgreSQL: '
            '"postgresql+psycopg://user@host/name" (extra `postgresql`)'
        ),
    ] = ""


class Blobs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where bodies above 64 KiB are."""

    directory: Annotated[str, Meta(description='"" is <data>/blobs')] = ""


class Accounts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a new account gets; the plans themselves are in the store (`escritoire plan`)."""

    default_plan: Annotated[str, Meta(description="plan of an account added without --plan")] = "full"


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one request or one object may ask of the site."""

    max_resource_octets: Annotated[
        int, Meta(ge=1024, le=1 << 30, description="largest event, to-do or card, in octets")
    ] = 10 * 1024 * 1024
    max_attachment_octets: Annotated[
        int, Meta(ge=1024, le=1 << 32, description="largest attachment of an event that the server keeps, in octets")
    ] = 25 * 1024 * 1024
    max_attachments: Annotated[int, Meta(ge=1, le=1000, description="such attachments of one event")] = 50
    max_instances: Annotated[
        int, Meta(ge=10, le=1_000_000, description="instances of one series that a query may expand")
    ] = 10_000
    max_attendees: Annotated[int, Meta(ge=1, le=100_000, description="attendees of one event")] = 10_000
    max_multiget_hrefs: Annotated[int, Meta(ge=10, le=1_000_000, description="hrefs of one multiget report")] = 10_000
    max_results: Annotated[
        int, Meta(ge=100, le=10_000_000, description="members of one multistatus; synchronisation continues in pages")
    ] = 50_000
    max_xml_octets: Annotated[int, Meta(ge=65_536, le=1 << 30, description="largest XML request body, in octets")] = (
        10 * 1024 * 1024
    )
    max_xml_depth: Annotated[int, Meta(ge=16, le=1000, description="deepest nesting of an XML request body")] = 64
    tombstone_days: Annotated[
        int, Meta(ge=90, le=36_500, description="days a removal stays in the change log (SYS-07: at least 90)")
    ] = 90
    version_days: Annotated[
        int, Meta(ge=1, le=36_500, description="days a replaced body stays recoverable (SYS-06)")
    ] = 30


class Discovery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What clients are shown when they look for collections."""

    alias_collections: Annotated[
        bool,
        Meta(
            description="show the groups' collections in each member's own home, for clients that read one home;"
            " else a principal names the groups' homes beside his own"
        ),
    ] = True


class Security(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is refused before anything is read."""

    require_tls: Annotated[
        bool, Meta(description="refuse passwords over unencrypted connections, except on loopback (SYS-05)")
    ] = True
    require_if_match: Annotated[
        bool, Meta(description="answer 428 to a PUT that would replace an item unseen (SYS-06)")
    ] = False
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="addresses whose X-Forwarded-For and X-Forwarded-Proto are believed: the front's"),
    ] = ("127.0.0.1", "::1")


class Throttle(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Failed logins, counted for all processes together (SYS-17)."""

    account_failures: Annotated[
        int, Meta(ge=3, le=100_000, description="failures of one account in the window before it must wait")
    ] = 10
    address_failures: Annotated[
        int, Meta(ge=3, le=100_000, description="failures from one address in the window before it must wait")
    ] = 50
    window_s: Annotated[int, Meta(ge=10, le=86_400, description="length of the window, in seconds")] = 900
    verified_s: Annotated[
        int,
        Meta(
            ge=0, le=3600, description="seconds a process may remember a verified password; a change voids it at once"
        ),
    ] = 60


class Tls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate of your own: for front.tls = "files" and for servers with tls = true."""

    certificate: Annotated[str, Meta(description="PEM file, the chain included")] = ""
    key: Annotated[str, Meta(description="PEM file of the private key, without a password")] = ""


class Front(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Caddy before all HTTP protocols: one origin, TLS, HTTP/2 and 3 (extra `front`)."""

    enabled: Annotated[bool, Meta(description="run Caddy beside the protocols")] = False
    origin: Annotated[
        str,
        Meta(
            description='public origin, "https://host[:port]"; "" follows from domain and https_port. '
            "Set it as well, with enabled = false, when a proxy of your own stands before the protocols"
        ),
    ] = ""
    listen: Annotated[tuple[str, ...], Meta(description='addresses to listen on; [] is the general "listen"')] = ()
    https_port: Annotated[Port, Meta(description="0 is port_base + 443")] = 443
    http_port: Annotated[Port, Meta(description="only redirects, and answers ACME; 0 is port_base + 80")] = 80
    tls: Annotated[
        Literal["acme", "internal", "files"],
        Meta(description="public certificates by ACME, an authority of Caddy's own (tests), or [tls]"),
    ] = "acme"
    email: Annotated[str, Meta(description="address for the certificate authority's notices (ACME)")] = ""
    command: Annotated[str, Meta(description='the caddy program; "" looks beside Python, then in PATH')] = ""


class Public(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What everybody may read: published documents, public feeds and podcasts (DOC-37)."""

    origin: Annotated[
        str,
        Meta(
            description='a host name of its own for them, "https://host[:port]", so that no script in a published '
            'page is near the desk (DOC-46); "" is the common origin'
        ),
    ] = ""


class Listener(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One protocol's process."""

    enabled: Annotated[bool, Meta(description="let `escritoire serve` run it")] = True
    listen: Annotated[str, Meta(description='address to listen on; "" is the general "listen"')] = ""
    port: Annotated[Port, Meta(description="0 is port_base and the protocol's offset")] = 0
    workers: Annotated[int, Meta(ge=1, le=256, description="worker processes")] = 2
    threads: Annotated[int, Meta(ge=1, le=1024, description="threads of each worker: requests at the same time")] = 16
    tls: Annotated[bool, Meta(description="speak HTTPS with the certificate of [tls], without a front")] = False


class ActiveSync(Listener, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Phones over Exchange ActiveSync: what they are offered, and what they must obey (EAS-05, EAS-10)."""

    workers: Annotated[int, Meta(ge=1, le=256, description="worker processes")] = 1
    highest_version: Annotated[
        Literal["12.1", "14.0", "14.1", "16.1"], Meta(description="newest protocol version that is offered")
    ] = "16.1"
    heartbeat_max_s: Annotated[
        int, Meta(ge=60, le=3540, description="longest wait of a device; a proxy before the desk must allow it")
    ] = 3540
    new_devices: Annotated[
        Literal["allow", "quarantine"],
        Meta(description="quarantine: a device gets nothing before `escritoire device allow`"),
    ] = "allow"
    password: Annotated[bool, Meta(description="policy: the device must be locked by a password")] = False
    password_length: Annotated[int, Meta(ge=0, le=16, description="policy: its least length; 0 is any")] = 0
    lock_after_s: Annotated[
        int, Meta(ge=0, le=9998, description="policy: locked after so many unused seconds; 0 is the owner's choice")
    ] = 0
    encryption: Annotated[bool, Meta(description="policy: what is on the device must be encrypted")] = False
    authorities: Annotated[
        str,
        Meta(description="PEM file: whose S/MIME certificates are believed, and their CRLs; empty: the system's"),
    ] = ""


class Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line protocol's process."""

    enabled: Annotated[bool, Meta(description="let `escritoire serve` run it")] = True
    listen: Annotated[
        str,
        Meta(
            description='address to listen on; "" is the general "listen". '
            '"systemd" takes the sockets that systemd opened'
        ),
    ] = ""
    workers: Annotated[int, Meta(ge=1, le=256, description="worker processes")] = 1
    threads: Annotated[int, Meta(ge=1, le=1024, description="commands that a worker carries out at the same time")] = 16
    connections: Annotated[int, Meta(ge=1, le=1_000_000, description="open connections of a worker")] = 10_000
    connections_per_address: Annotated[
        int, Meta(ge=1, le=1_000_000, description="of them from one address; this machine's own are not counted")
    ] = 100
    proxy_protocol: Annotated[
        bool, Meta(description="a front in security.trusted_proxies says who connects (PROXY protocol 1 and 2)")
    ] = False


class LineListener(Line, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A protocol with a door for STARTTLS and one for TLS from the first octet (RFC 8314)."""

    port: Annotated[Port, Meta(description="with STARTTLS; 0 is port_base and the protocol's offset")] = 0
    tls_port: Annotated[Port, Meta(description="with TLS; 0 is port_base and the protocol's offset")] = 0


class Smtp(Line, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mail from other servers (mx), from the desk's own people (submission, submissions), from a front (lmtp)."""

    workers: Annotated[int, Meta(ge=1, le=256, description="worker processes")] = 2
    listeners: Annotated[
        tuple[str, ...], Meta(description="the doors that are opened: mx, submission, submissions, lmtp")
    ] = ("mx", "submission", "submissions", "lmtp")
    mx_port: Annotated[Port, Meta(description="0 is port_base + 25")] = 0
    submission_port: Annotated[Port, Meta(description="with STARTTLS; 0 is port_base + 587")] = 0
    submissions_port: Annotated[Port, Meta(description="with TLS; 0 is port_base + 465")] = 0
    lmtp_port: Annotated[Port, Meta(description="0 is port_base + 24")] = 0
    lmtp_listen: Annotated[
        str, Meta(description="address for LMTP: whoever reaches it delivers without being asked who he is")
    ] = "127.0.0.1"
    recipients_max: Annotated[
        int, Meta(ge=100, le=100_000, description="recipients of one mail, whatever a plan allows")
    ] = 1_000
    verify: Annotated[
        bool, Meta(description="check SPF, DKIM, ARC and DMARC of mail from outside, and write down the results")
    ] = True
    refuse_by_dmarc: Annotated[
        bool, Meta(description="refuse mail that its author's domain wants refused; else it goes into Spam?")
    ] = False
    greylisting: Annotated[
        bool, Meta(description="ask who was never here to come again in five minutes (RFC 6647)")
    ] = False
    spam_filter: Annotated[
        str, Meta(description='"rspamd://127.0.0.1:11333" or "spamd://127.0.0.1:783" (SpamAssassin); "" is none')
    ] = ""
    spam_learning: Annotated[
        str,
        Meta(
            description="where it is taught by mails that are moved into Spam? and out of it: "
            '"rspamd://127.0.0.1:11334" (its controller) or "spamd://127.0.0.1:783" (with --allow-tell); "" is nowhere'
        ),
    ] = ""
    spam_learning_password: Annotated[
        str, Meta(description="of rspamd's controller, if it wants one; keep this file from others")
    ] = ""


class Favourites(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bookmarks."""

    scheme: Annotated[
        Literal["https", "http"], Meta(description="what an address typed without a scheme gets (FAV-02)")
    ] = "https"


class Meetings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Events with participants."""

    restrict_attendees: Annotated[
        bool, Meta(description="refuse participants who are neither in the organizer's groups nor contacts (MTG-03)")
    ] = False


class Sms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """SMS to mobile phones, handed over by `outbound`."""

    gateway: Annotated[
        str,
        Meta(
            description='the service that takes them, "https://sms.example.org/send" '
            '(docs/operations/sms.md); "file:///…" collects them in a file; "" sends none'
        ),
    ] = ""
    token: Annotated[str, Meta(description="what the service knows this desk by; keep this file from others")] = ""


class Jobs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The process that reads documents for the search, and purges what has outlived its time."""

    enabled: Annotated[bool, Meta(description="let `escritoire serve` run it")] = True
    extraction_memory_octets: Annotated[
        int, Meta(ge=512 << 20, le=1 << 40, description="address space in which one document is read, in octets")
    ] = 1024 * 1024 * 1024
    extraction_timeout_s: Annotated[
        int, Meta(ge=1, le=3600, description="seconds that reading one document may take")
    ] = 60


class Mail(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the mail protocols have in common."""

    hostname: Annotated[
        str, Meta(description='how the desk names itself to other mail servers, "mail.example.org"; "" is domain')
    ] = ""
    domains: Annotated[
        tuple[str, ...], Meta(description="further domains whose mail is this desk's, beside domain itself")
    ] = ()
    aliases: Annotated[
        tuple[str, ...],
        Meta(
            description='"info: alice bob@example.org", one each: further addresses, and where their mail goes; '
            '"@example.org: alice" is for all that nobody has'
        ),
    ] = ()
    dkim_selector: Annotated[
        str, Meta(description='name of the key in <data>/dkim that signs the desk\'s mail; "" signs nothing')
    ] = "desk"


class Outbound(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The process without a port that delivers mail to other servers, and fetches calendars from them."""

    enabled: Annotated[bool, Meta(description="let `escritoire serve` run it")] = True
    threads: Annotated[int, Meta(ge=1, le=256, description="deliveries at the same time")] = 16
    per_destination: Annotated[
        int, Meta(ge=1, le=100, description="of them to one domain, all processes counted; or to the smarthost")
    ] = 4
    smarthost: Annotated[
        str, Meta(description='the server that everything is handed to; "" delivers to each domain itself')
    ] = ""
    smarthost_port: Annotated[int, Meta(ge=1, le=65535, description="its port")] = 587
    smarthost_tls: Annotated[
        Literal["starttls", "implicit", "none"], Meta(description="how it is encrypted; its certificate must be valid")
    ] = "starttls"
    smarthost_login: Annotated[str, Meta(description="login there, if it wants one")] = ""
    smarthost_password: Annotated[str, Meta(description="password there; keep this file from others")] = ""
    first_retry_s: Annotated[
        int, Meta(ge=10, le=86_400, description="seconds until the second attempt; each wait is twice the one before")
    ] = 300
    longest_retry_s: Annotated[int, Meta(ge=10, le=604_800, description="the longest wait, in seconds")] = 14_400
    delay_notice_s: Annotated[
        int, Meta(ge=60, le=2_592_000, description="seconds after which the sender is told of a delay")
    ] = 14_400
    lifetime_s: Annotated[
        int, Meta(ge=3600, le=2_592_000, description="seconds after which a mail goes back to its sender")
    ] = 432_000
    resolvers: Annotated[
        tuple[str, ...], Meta(description="addresses of the DNS servers to ask; [] is the system's")
    ] = ()
    dnssec: Annotated[
        bool,
        Meta(description="they validate DNSSEC and are reached safely, on this machine for example: then DANE is used"),
    ] = False
    mta_sts: Annotated[bool, Meta(description="ask for MTA-STS policies and obey them")] = True
    subscription_networks: Annotated[
        tuple[str, ...],
        Meta(
            description='private networks whose calendars may be subscribed to, "10.1.0.0/16"; without, only those '
            "of the Internet"
        ),
    ] = ()


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The desk's settings, as one process got them at its start."""

    domain: Annotated[str, Meta(description="the desk's domain; required")]
    data: Annotated[str, Meta(description='directory of everything; "" is where this file is')] = ""
    listen: Annotated[str, Meta(description="address that every server listens on")] = "127.0.0.1"
    port_base: Annotated[
        int, Meta(ge=1024, le=64_000, description="every server's port is this and its offset: CalDAV 1, CardDAV 2, …")
    ] = 20_000
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="what is written to standard error")
    ] = "info"
    log_format: Annotated[Literal["text", "json"], Meta(description="key=value pairs, or one JSON object per line")] = (
        "text"
    )
    database: Database = Database()
    blobs: Blobs = Blobs()
    accounts: Accounts = Accounts()
    limits: Limits = Limits()
    discovery: Discovery = Discovery()
    security: Security = Security()
    throttle: Throttle = Throttle()
    tls: Tls = Tls()
    front: Front = Front()
    public: Public = Public()
    # Few threads: each holds a connection to the database, and more of them only wait for one another.
    caldav: Listener = Listener(threads=4)
    carddav: Listener = Listener(threads=4)
    webdav: Listener = Listener()
    feeds: Listener = Listener()
    activesync: ActiveSync = ActiveSync()
    imap: LineListener = LineListener()
    pop3: LineListener = LineListener()
    smtp: Smtp = Smtp()
    jobs: Jobs = Jobs()
    mail: Mail = Mail()
    outbound: Outbound = Outbound()
    favourites: Favourites = Favourites()
    meetings: Meetings = Meetings()
    sms: Sms = Sms()

    @property
    def data_directory(self) -> Path:
        return Path(self.data)

    @property
    def run_directory(self) -> Path:
        """Where endpoints.json and generated files are, while the desk runs."""
        return self.data_directory / "run"

    @property
    def database_url(self) -> str:
        return self.database.url or f"sqlite:///{self.data_directory / 'desk.sqlite3'}"

    @property
    def blobs_directory(self) -> Path:
        return Path(self.blobs.directory) if self.blobs.directory else self.data_directory / "blobs"

    @property
    def mail_hostname(self) -> str:
        """How the desk names itself to other mail servers."""
        return (self.mail.hostname or self.domain).lower()

    @property
    def mail_domains(self) -> tuple[str, ...]:
        """The domains whose mail is this desk's, the main one first."""
        return tuple(dict.fromkeys(name.lower() for name in (self.domain, *self.mail.domains)))

    @property
    def dkim_directory(self) -> Path:
        """Where the keys are that sign the desk's mail."""
        return self.data_directory / "dkim"

    def listener(self, name: str) -> Listener:
        """Settings of the protocol `name`: caldav, carddav and so on."""
        found = getattr(self, name)
        if not isinstance(found, Listener):
            raise KeyError(name)
        return found

    def address(self, name: str) -> tuple[str, int]:
        """Host and port that the protocol `name` listens on."""
        one = self.listener(name)
        return one.listen or self.listen, one.port or self.port_base + PORT_OFFSETS[name]

    def line(self, name: str) -> Line:
        """Settings of the line protocol `name`: imap and so on."""
        found = getattr(self, name)
        if not isinstance(found, Line):
            raise KeyError(name)
        return found

    def doors(self, protocol: str) -> tuple[Door, ...]:
        """The doors of a line protocol that are to be opened."""
        chosen = getattr(self.line(protocol), "listeners", ())
        return tuple(door for door in line_protocol(protocol).listeners if not chosen or door.name in chosen)

    def line_address(self, protocol: str, door: Door) -> tuple[str, int]:
        """Host and port of one door of the line protocol `protocol`."""
        one = self.line(protocol)
        host = getattr(one, f"{door.name}_listen", "") or one.listen or self.listen
        return host, getattr(one, door.port_key) or self.port_base + PORT_OFFSETS[door.name]

    def own_url(self, name: str) -> str:
        """Where the protocol `name` answers by itself, with the final slash."""
        host, port = self.address(name)
        scheme = "https" if self.listener(name).tls else "http"
        reachable = self.domain if host in {"0.0.0.0", "::"} else host
        return f"{scheme}://{_bracketed(reachable)}:{port}/"

    @property
    def https_port(self) -> int:
        return self.front.https_port or self.port_base + PORT_OFFSETS["front"]

    @property
    def http_port(self) -> int:
        return self.front.http_port or self.port_base + PORT_OFFSETS["front-http"]

    @property
    def front_addresses(self) -> tuple[str, ...]:
        return self.front.listen or (self.listen,)

    @property
    def origin(self) -> str:
        """The common public origin without a final slash; "" when every protocol answers for itself."""
        if self.front.origin:
            return self.front.origin.rstrip("/")
        if not self.front.enabled:
            return ""
        loopback = all(address in LOOPBACK for address in self.front_addresses)
        host = "localhost" if loopback else self.domain
        return f"https://{host}" + ("" if self.https_port == 443 else f":{self.https_port}")

    @property
    def public_origin(self) -> str:
        """Where published documents are, without a final slash; "" is wherever the feeds are."""
        return self.public.origin.rstrip("/")

    def url(self, name: str) -> str:
        """Where clients find the protocol `name`, with the final slash: the common origin, or its own port."""
        return f"{self.origin}/" if self.origin else self.own_url(name)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
