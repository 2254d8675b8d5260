// npm `fhir-kit-client`.
import * as kit from 'fhir-kit-client';
import { close, context, identifier, must, once, outcome, step } from './told.mjs';

const Client = kit.Client ?? kit.default;
const signed = (token) => new Client({ baseUrl: context.base, bearerToken: token });
const client = signed(context.token);
const ids = (bundle) => bundle.entry.map((e) => e.resource.id);
const refused = (name, run, status) =>
  step(name, async () => {
    try {
      await run();
    } catch (error) {
      must(error.response?.status === status, `${error.response?.status}: ${error}`);
      return outcome(error.response.data);
    }
    throw new Error('it answered');
  });

await step('metadata', async () => {
  const statement = await client.capabilityStatement();
  must(statement.resourceType === 'CapabilityStatement', statement.resourceType);
});
await step('search by GET', async () => {
  must(ids(await client.search({ resourceType: 'Patient', searchParams: { identifier } })).includes(context.person), 'not found');
});
await step('search by POST', async () => {
  const found = await client.search({ resourceType: 'Patient', searchParams: { identifier }, options: { postSearch: true } });
  must(ids(found).includes(context.person), 'not found');
});
await step('read', async () => {
  must((await client.read({ resourceType: 'Patient', id: context.person })).id === context.person, 'another');
});
await step('page', async () => {
  const came = [];
  let bundle = await client.search({ resourceType: context.type, searchParams: { patient: context.person, _count: 2 } });
  while (bundle) {
    came.push(...(bundle.entry ?? []).map((e) => e.resource).filter((r) => r.resourceType === context.type));
    bundle = await client.nextPage({ bundle });
  }
  return once(came);
});
await step('$everything', async () => {
  const whole = await client.operation({ name: 'everything', resourceType: 'Patient', id: context.person, method: 'GET' });
  must(whole.entry?.length, 'empty');
  return `${whole.entry.length} entries on the first page`;
});
await refused('401', () => signed('not-a-token').read({ resourceType: 'Patient', id: context.person }), 401);
await refused('403', () => client.read({ resourceType: 'Patient', id: 'never-minted' }), 403);
await refused('404', () => client.read({ resourceType: 'NoSuchType', id: '1' }), 404);
close();
