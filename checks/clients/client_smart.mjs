// npm `fhirclient`, the SMART on FHIR JavaScript client, in Node.
import smart from 'fhirclient';
import { close, context, identifier, must, once, outcome, step } from './told.mjs';

// Its own storage wants a browser session or an express session; a Map will do here.
const memory = new Map();
const storage = {
  get: async (key) => memory.get(key),
  set: async (key, value) => memory.set(key, value) && value,
  unset: async (key) => memory.delete(key),
};
const signed = (token) => smart({ headers: {} }, {}, storage).client({ serverUrl: context.base, tokenResponse: { access_token: token } });
const client = signed(context.token);
const ids = (bundle) => bundle.entry.map((e) => e.resource.id);
const query = new URLSearchParams({ identifier }).toString();
// The client reads the body itself and leaves it as JSON among its error's words.
const refused = (name, run, status) =>
  step(name, async () => {
    try {
      await run();
    } catch (error) {
      must((error.status ?? error.statusCode) === status, `${error.status}: ${error}`);
      return outcome(JSON.parse(error.message.slice(error.message.indexOf('{'), error.message.lastIndexOf('}') + 1)));
    }
    throw new Error('it answered');
  });

await step('metadata', async () => {
  must((await client.request('metadata')).resourceType === 'CapabilityStatement', 'not a CapabilityStatement');
});
await step('search by GET', async () => {
  must(ids(await client.request(`Patient?${query}`)).includes(context.person), 'not found');
});
await step('search by POST', async () => {
  const found = await client.request({
    url: 'Patient/_search',
    method: 'POST',
    body: query,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  });
  must(ids(found).includes(context.person), 'not found');
});
await step('read', async () => {
  must((await client.request(`Patient/${context.person}`)).id === context.person, 'another');
});
await step('page', async () => {
  const came = await client.request(`${context.type}?patient=${context.person}&_count=2`, { pageLimit: 0, flat: true });
  return once(came.filter((r) => r.resourceType === context.type));
});
await step('$everything', async () => {
  const whole = await client.request(`Patient/${context.person}/$everything`);
  must(whole.entry?.length, 'empty');
  return `${whole.entry.length} entries on the first page`;
});
await refused('401', () => signed('not-a-token').request(`Patient/${context.person}`), 401);
await refused('403', () => client.request('Patient/never-minted'), 403);
await refused('404', () => client.request('NoSuchType/1'), 404);
close();
