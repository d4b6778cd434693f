// imapflow on a mailbox: list, append, fetch, search, flags, move, and a mail that comes while it waits.
import { ImapFlow } from "imapflow";

const [host, port, user, pass, mailbox] = process.argv.slice(2);
const client = new ImapFlow({
    host, port: Number(port), secure: true, auth: { user, pass }, logger: false, qresync: true,
    tls: { rejectUnauthorized: false },
});
const out = {};
await client.connect();
out.special = (await client.list()).filter((box) => box.specialUse).map((box) => [box.path, box.specialUse]);
await client.mailboxCreate(mailbox);
const data = "From: Jörg <j@x.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <flow@x>\r\n\r\nbody ü\r\n";
out.appended = (await client.append(mailbox, data, ["\\Flagged", "$Work"], new Date("2025-09-01T10:00:00Z"))).uid;
let lock = await client.getMailboxLock(mailbox);
const message = await client.fetchOne("*", { envelope: true, source: true, flags: true, internalDate: true, bodyStructure: true, threadId: true });
out.subject = message.envelope.subject;
out.same = message.source.toString() === data;
out.flags = [...message.flags].sort();
out.date = message.internalDate.toISOString();
out.type = message.bodyStructure.type;
out.emailId = Boolean(message.emailId && message.threadId);
out.found = await client.search({ body: "BODY Ü" });
await client.messageFlagsAdd("1", ["\\Seen"]);
out.moved = (await client.messageMove("1", "Trash")).uidMap.size;
const arrived = new Promise((resolve) => client.once("exists", (event) => resolve(event.count)));
const other = new ImapFlow({ host, port: Number(port), secure: true, auth: { user, pass }, logger: false, tls: { rejectUnauthorized: false } });
await other.connect();
const waiting = client.idle();
await new Promise((resolve) => setTimeout(resolve, 300));
await other.append(mailbox, data);
out.arrived = await arrived;
await client.noop();
await waiting;
out.quota = Boolean(await client.getQuota(mailbox));
out.status = (await client.status(mailbox, { messages: true, unseen: true })).messages;
lock.release();
await other.logout();
await client.mailboxDelete(mailbox);
await client.logout();
console.log(JSON.stringify(out));
