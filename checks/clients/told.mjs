// What the JavaScript clients are told, and how they report: one line a step.
export const context = JSON.parse(process.env.SEVERN_CONTEXT);
export const NHS_NUMBER = 'https://fhir.nhs.uk/Id/nhs-number';
export const identifier = `${NHS_NUMBER}|${context.number}`;
let failed = 0;

export function must(holds, why) {
  if (!holds) throw new Error(why);
}

export async function step(name, run) {
  try {
    const said = await run();
    console.log(`  ok      ${name}${said ? ` (${said})` : ''}`);
  } catch (error) {
    failed += 1;
    console.log(`  FAILED  ${name}: ${String(error?.stack ?? error).slice(0, process.env.TRACE ? 4000 : 300)}`);
  }
}

export function outcome(body) {
  must(body?.resourceType === 'OperationOutcome' && body.issue?.length, `not an OperationOutcome: ${JSON.stringify(body)?.slice(0, 200)}`);
  return body.issue[0].code;
}

// How many resources of the type came; throws when one came twice.
export function once(resources) {
  const ids = resources.map((r) => r.id);
  must(ids.length === new Set(ids).size, `${ids.length - new Set(ids).size} resources came twice`);
  must(ids.length === context.count, `${ids.length} of ${context.count}`);
  return `${ids.length} ${context.type}`;
}

export function close() {
  process.exit(failed ? 1 : 0);
}
