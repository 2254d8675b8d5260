// node-fhir-server-core (npm) in STU3, serving one file of resources: node.js PORT FILE.
// The server is theirs: routes, statement, parameters, errors. Only the look into the file is ours.
// Its STU3 has no AllergyIntolerance: it cannot be configured.
const fs = require('fs');
const { initialize, loggers, constants, resolveSchema } = require('@asymmetrik/node-fhir-server-core');

const [port, file] = process.argv.slice(2);
const version = constants.VERSIONS['3_0_1'];
const held = {};
for (const resource of JSON.parse(fs.readFileSync(file, 'utf8'))) {
  (held[resource.resourceType] ??= {})[resource.id] = resource;
}
// Their responses are made of their own classes, which write themselves as JSON.
const theirs = (kind, json) => new (resolveSchema(version, kind.toLowerCase()))(json);

const wanted = (kind, args) => {
  const all = Object.values(held[kind]);
  if (kind === 'Patient') {
    const [system, value] = decodeURIComponent(args.identifier ?? '').split('|');
    return all.filter((one) => one.identifier.some((i) => i.system === system && i.value === value));
  }
  const whose = `Patient/${(args.patient ?? '').replace(/^Patient\//, '')}`;
  return all.filter((one) => (one.subject ?? one.patient).reference === whose);
};

const profiles = {};
for (const kind of Object.keys(held)) {
  const service = {
    async search(args) {
      const entry = wanted(kind, args).map((resource) => ({ resource: theirs(kind, resource) }));
      const Bundle = resolveSchema(version, 'bundle');
      return new Bundle({ type: 'searchset', total: entry.length, entry });
    },
    async searchById(args) {
      return held[kind][args.id] && theirs(kind, held[kind][args.id]);
    },
  };
  profiles[kind.toLowerCase()] = { service, versions: [version] };
}
loggers.container.get('default', { level: 'error' });
initialize({ profiles, logging: { level: 'error' }, server: { port: Number(port), corsOptions: { maxAge: 86400 } } }).listen(Number(port), '127.0.0.1', () => {});
