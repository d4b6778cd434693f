"""The process `outbound`: delivers mails and SMS, fetches calendars, teaches the spam filter, until told to stop."""

from __future__ import annotations

import ipaddress
import logging
import signal
from contextlib import suppress
from functools import partial
from typing import Final

from conf.settings import Settings
from servers import log
from servers.outbound import signing, subscriptions
from servers.outbound.delivery import Delivery
from servers.outbound.fetching import Fetcher
from servers.outbound.gateway import Gateway
from servers.outbound.local import Local
from servers.outbound.looking import Looking
from servers.outbound.options import Options, Smarthost
from servers.outbound.remote import Remote
from servers.outbound.resolver import Resolver
from servers.outbound.routes import Router
from servers.outbound.signing import Signer
from servers.outbound.sts import Policies
from servers.outbound.teaching import Teacher
from servers.outbound.worker import Worker
from storage.mail import learning
from storage.outbound import domains
from storage.outbound.retries import Schedule
from storage.patience import once_possible
from storage.sms import queue as sms_queue
from storage.store import Store

logger = logging.getLogger(__name__)

SMS_LOOK_S: Final = 2.0
LEARNING_LOOK_S: Final = 5.0


def serve(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    log.configure(settings, "outbound")
    store = Store.open(settings.database_url, settings.blobs_directory)
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: told.append(received))
    if not once_possible(store.migrate, lambda: bool(told)):
        return
    worker = make(store, options(settings), signer(settings))
    beside = _beside(settings, store)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: worker.stop())
    if told:  # before the worker could hear of it
        worker.stop()
    logger.info("working")
    for one in beside:
        one.start()
    worker.run()
    for one in beside:
        one.close()
    store.close()
    logger.info("stopped")


def _beside(settings: Settings, store: Store) -> list[Looking]:
    """What else speaks with others: subscribed calendars (CAL-21), SMS and lessons where they are wanted (SMS-02)."""
    fetcher = Fetcher(settings.outbound.subscription_networks)
    found = [Looking("subscriptions", partial(subscriptions.look, store, fetcher), subscriptions.LOOK_S)]
    if settings.sms.gateway:
        gateway = Gateway(settings.sms.gateway, settings.sms.token)
        found.append(Looking("sms", partial(sms_queue.run, store, gateway.send), SMS_LOOK_S))
    if settings.smtp.spam_learning:  # MSG-47
        teacher = Teacher(settings.smtp.spam_learning, settings.smtp.spam_learning_password)
        found.append(Looking("spam", partial(learning.run, store, teacher.teach), LEARNING_LOOK_S))
    return found


def make(store: Store, given: Options, signs: Signer | None) -> Worker:
    """A worker and all that it needs."""
    resolver = Resolver(given.resolvers, port=given.resolver_port, trusted=given.dnssec)
    policies = Policies(store, resolver, given)
    remote = Remote(given, Router(given, resolver, policies.find))
    return Worker(store, given, Delivery(store, given, remote, Local(store, given), signs))


def options(settings: Settings) -> Options:
    """What the deliverer needs of the settings."""
    given = settings.outbound
    smarthost = None
    if given.smarthost:
        login = (given.smarthost_login, given.smarthost_password)
        smarthost = Smarthost(given.smarthost, given.smarthost_port, given.smarthost_tls, *login)
    return Options(
        hostname=settings.mail_hostname,
        domain=domains.a_labels(settings.domain),
        domains=frozenset(domains.a_labels(name) for name in settings.mail_domains),
        smarthost=smarthost,
        threads=given.threads,
        per_destination=given.per_destination,
        schedule=Schedule(given.first_retry_s, given.longest_retry_s, given.lifetime_s, given.delay_notice_s),
        resolvers=given.resolvers,
        dnssec=given.dnssec,
        sts=given.mta_sts,
        own_addresses=_own_addresses(settings.listen),
    )


def signer(settings: Settings) -> Signer | None:
    """The desk's DKIM key, made at its first use; None if the desk does not sign."""
    selector = settings.mail.dkim_selector
    if not selector:
        return None
    key = signing.ensure(settings.dkim_directory, selector)
    return Signer(selector, key, [domains.a_labels(name) for name in settings.mail_domains])


def _own_addresses(listen: str) -> frozenset[str]:
    """The address that this desk listens on, if it is one of the world's; loopback may be somebody else's here."""
    with suppress(ValueError):
        one = ipaddress.ip_address(listen)
        if not one.is_unspecified and not one.is_loopback:
            return frozenset({str(one)})
    return frozenset()
