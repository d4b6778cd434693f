// tsdav with an overlay: every step prints one line of JSON, the Python test reads them and changes things between two.
// usage: node overlay.mjs CALDAV_ROOT LOGIN PASSWORD; a line on standard input continues after "waiting"

import { createInterface } from 'node:readline/promises';
import { createDAVClient } from 'tsdav';

const [serverUrl, username, password] = process.argv.slice(2);
const say = (step, value) => console.log(JSON.stringify({ step, value }));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const client = await createDAVClient({
  serverUrl, credentials: { username, password }, authMethod: 'Basic', defaultAccountType: 'caldav',
});
const name = (calendar) => new URL(calendar.url).pathname.split('/').at(-2);
const unfold = (text) => text.replace(/\r?\n[ \t]/g, '');
const titles = (objects) => objects.map((o) => /SUMMARY:(.*?)\r?\n/.exec(unfold(o.data))[1]).sort();
const event = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Escritoire//interop//EN', 'BEGIN:VEVENT', 'UID:intruder',
  'DTSTAMP:20260101T000000Z', 'DTSTART:20300316T090000Z', 'SUMMARY:Intruder', 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n');

const calendars = await client.fetchCalendars();
const found = Object.fromEntries(calendars.map((c) => [name(c), c]));
say('calendars', Object.keys(found).sort());
for (const one of ['overlay', 'subscribed-holidays', 'overlay-bob-events']) {
  say(`titles of ${one}`, titles(await client.fetchCalendarObjects({ calendar: found[one] })));
  const answer = await client.createCalendarObject({ calendar: found[one], filename: 'x.ics', iCalString: event });
  say(`written to ${one}`, answer.status);
}

const overlay = found.overlay;
const held = await client.smartCollectionSync({
  collection: { ...overlay, objects: [], syncToken: '', objectMultiGet: client.calendarMultiGet },
  method: 'webdav', detailedResult: true,
});
const initial = await client.syncCollection({ url: overlay.url, props: { 'd:getetag': {} }, syncLevel: 1, syncToken: '' });
const syncToken = initial[0]?.raw?.multistatus?.syncToken;
say('synchronised', held.objects.created.length);
say('waiting', true);
await lines.next();
const changes = await client.syncCollection({ url: overlay.url, props: { 'd:getetag': {} }, syncLevel: 1, syncToken });
say('changes', changes.map((c) => c.status === 404).sort());
say('titles afterwards', titles(await client.fetchCalendarObjects({ calendar: overlay })));
say('waiting', true);
await lines.next();
say('calendars afterwards', (await client.fetchCalendars()).map(name).sort());
say('titles when it is off', titles(await client.fetchCalendarObjects({ calendar: overlay })));
process.exit(0);
