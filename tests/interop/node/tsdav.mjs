// tsdav against a desk: every step prints one line of JSON, the Python test reads them.
// usage: node tsdav.mjs CALDAV_ROOT CARDDAV_ROOT LOGIN PASSWORD CALENDAR_URL_OF_ANOTHER

import { createDAVClient } from 'tsdav';

const [caldavRoot, carddavRoot, username, password, foreign] = process.argv.slice(2);
const say = (step, value) => console.log(JSON.stringify({ step, value }));
const connect = (serverUrl, defaultAccountType) =>
  createDAVClient({ serverUrl, credentials: { username, password }, authMethod: 'Basic', defaultAccountType });

const event = (uid, summary) =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Escritoire//interop//EN', 'BEGIN:VEVENT', `UID:${uid}`,
    'DTSTAMP:20260101T000000Z', 'DTSTART:20260316T090000Z', 'DTEND:20260316T100000Z', `SUMMARY:${summary}`,
    'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n');
const card = (uid, name) =>
  ['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${name}`, `N:${name};;;;`, 'END:VCARD', ''].join('\r\n');

// --- calendars
const client = await connect(caldavRoot, 'caldav');
let calendars = await client.fetchCalendars();
say('calendars', calendars.map((c) => new URL(c.url).pathname));

const url = new URL(`${calendars[0].url.replace(/[^/]+\/$/, '')}tsdav-${Date.now()}/`).href;
await client.makeCalendar({ url, props: { displayname: 'From tsdav' } });
calendars = await client.fetchCalendars();
const calendar = calendars.find((c) => new URL(c.url).pathname === new URL(url).pathname);
say('made', calendar && calendar.displayName);

let answer = await client.createCalendarObject({ calendar, filename: 'one.ics', iCalString: event('one', 'First') });
say('created', answer.status);
answer = await client.createCalendarObject({ calendar, filename: 'one.ics', iCalString: event('one', 'Again') });
say('created twice', answer.status); // tsdav sends If-None-Match: *

let [object] = await client.fetchCalendarObjects({ calendar });
say('fetched', { etag: Boolean(object.etag), first: object.data.includes('SUMMARY:First') });
const stale = object.etag;
answer = await client.updateCalendarObject({ calendarObject: { ...object, data: event('one', 'Second') } });
say('updated', answer.status);
answer = await client.updateCalendarObject({ calendarObject: { ...object, etag: stale, data: event('one', 'Lost') } });
say('updated with a stale etag', answer.status);

const ranged = await client.fetchCalendarObjects({
  calendar, timeRange: { start: '2026-03-16T00:00:00.000Z', end: '2026-03-17T00:00:00.000Z' }, expand: true,
});
const outside = await client.fetchCalendarObjects({
  calendar, timeRange: { start: '2026-03-18T00:00:00.000Z', end: '2026-03-19T00:00:00.000Z' },
});
say('in range', [ranged.length, outside.length]);

// --- synchronisation
const initial = await client.syncCollection({ url: calendar.url, props: { 'd:getetag': {} }, syncLevel: 1, syncToken: '' });
const token = initial[0]?.raw?.multistatus?.syncToken;
await client.createCalendarObject({ calendar, filename: 'two.ics', iCalString: event('two', 'Other') });
[object] = (await client.fetchCalendarObjects({ calendar })).filter((o) => o.url.endsWith('one.ics'));
answer = await client.deleteCalendarObject({ calendarObject: object });
say('deleted', answer.status);
const changes = await client.syncCollection({ url: calendar.url, props: { 'd:getetag': {} }, syncLevel: 1, syncToken: token });
say('synchronised', changes.map((c) => [c.href.split('/').pop(), c.status === 404]).sort());

const before = await client.fetchCalendarObjects({ calendar });
const smart = await client.smartCollectionSync({
  collection: { ...calendar, objects: [], objectMultiGet: client.calendarMultiGet }, method: 'webdav', detailedResult: true,
});
say('smart', [smart.objects.created.length, before.length]);
answer = await client.deleteObject({ url: calendar.url });
say('calendar deleted', answer.status);

// --- what another one's rights allow
const other = { url: foreign };
const stubs = await client.fetchCalendarObjects({ calendar: other });
say('stubs', stubs.map((o) => [o.data.includes('SUMMARY:Busy'), /SUMMARY:(?!Busy)|LOCATION/.test(o.data)]));
answer = await client.createCalendarObject({ calendar: other, filename: 'x.ics', iCalString: event('x', 'Intruder') });
say('refused', answer.status);

// --- contacts
const contacts = await connect(carddavRoot, 'carddav');
const books = await contacts.fetchAddressBooks();
say('books', books.map((b) => new URL(b.url).pathname));
const book = books.find((b) => new URL(b.url).pathname.includes(`/${username}/`));
answer = await contacts.createVCard({ addressBook: book, filename: 'ts.vcf', vCardString: card('ts', 'Hedy') });
say('card created', answer.status);
const find = async () => (await contacts.fetchVCards({ addressBook: book })).find((c) => c.url.endsWith('ts.vcf'));
let vcard = await find();
answer = await contacts.updateVCard({ vCard: { ...vcard, data: card('ts', 'Hedy Lamarr') } });
vcard = await find();
say('card updated', [answer.status, vcard.data.includes('FN:Hedy Lamarr')]);
answer = await contacts.deleteVCard({ vCard: vcard });
say('card deleted', answer.status);
