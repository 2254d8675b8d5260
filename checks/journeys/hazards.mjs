// What could harm somebody by a page of a shared record, each in the browser of whoever would be misled.
import assert from 'node:assert/strict'
import { CHARTED, FAILING, NAME, NUMBER, OTHER, anew, fail, journey, mayRead, open, opened, read, shot } from './walk.mjs'

/** Somebody whose medication was written down by mistake. */
const MISTAKEN = '9990000158'
const all = ['ccr', 'gp', 'mh', 'nbr', 'ohc', 'rx', 'soc', 'uhb']
const BOX = 'University Hospitals Birmingham'

const text = async (one) => (await one.innerText()).replace(/\s+/g, ' ')
const strip = (page) => page.locator('#completeness')
const banner = (page) => page.getByRole('region', { name: 'Patient' })

/** Somebody reads while this goes wrong, and everything is well again afterwards. */
async function misled(faults, walk, number = NUMBER, options = {}) {
  const { page, done } = await opened({ javaScriptEnabled: false, ...options })
  await read(page, 'Hospital doctor', number)
  try {
    for (const [supplier, ...fault] of faults) await fail(supplier, ...fault)
    await page.reload()
    await walk(page)
  } finally {
    for (const supplier of all) await fail(supplier)
    await fail('soc', { fault: 'refusing', how: 'unavailable' })
  }
  await done()
}

await anew()

await journey('hazard: the wrong patient. An answer about somebody else is held back whole, and the banner is whom was asked for', () =>
  misled([['uhb', { fault: 'wrong-person', by: 'birth-date' }]], async (page) => {
    const said = await text(strip(page))
    assert.match(said, new RegExp(`${BOX}: \\d+ entr(y is|ies are) held back, and not shown`), said)
    assert.ok((await text(banner(page))).includes(NAME))
    assert.equal(await page.locator('main .sv-said').filter({ hasText: BOX }).count(), 0, 'nothing of it is shown')
    await shot(page, 'hazard-wrong-patient')
  }))

await journey('hazard: the context carried over. Another person is another page, and what was open of the first is not there', () =>
  misled([], async (page) => {
    await open(page, OTHER)
    await mayRead(page)
    const whole = await text(page.locator('html'))
    assert.ok(!whole.includes('HARTLEY') && !whole.includes('999 000 0018'))
  }))

await journey('hazard: missing shown as none. A list that could not be had is unavailable, or may be incomplete, on screen and in print', () =>
  misled(all.map((one) => [one, { fault: 'loses-type', type: 'AllergyIntolerance' }]), async (page) => {
    const said = await text(banner(page))
    assert.ok(said.includes('Allergies unavailable') && !/No known allergies|not recorded/.test(said), said)
    assert.ok((await text(page.locator('#allergies'))).includes('May be incomplete'))
    assert.ok((await text(page.locator('.sv-foot'))).includes(FAILING), 'the foot of every printed page says who did not answer')
    await shot(page, 'hazard-missing')
  }))

await journey('hazard: stale shown as current. The page and each source say as at when', () =>
  misled([], async (page) => {
    await page.getByText('Every source: what it said, and when').click()
    for (const row of await page.locator('.sv-sources tbody tr').all()) assert.match(await text(row), /asked \d\d-\w{3}-\d{4} \d\d:\d\d|not asked/)
    assert.match(await text(strip(page)), /As at \d\d-\w{3}-\d{4} \d\d:\d\d\./)
    assert.match(await text(page.locator('.sv-foot')), /Read \d\d-\w{3}-\d{4} \d\d:\d\d by /)
  }))

await journey('hazard: a medicine counted twice. One line that opens to each source; another dose or kind is a line of its own', () =>
  misled([], async (page) => {
    const lines = page.locator('#medications > .sv-lines > .sv-line').filter({ hasText: 'Sertraline 100mg tablets' }).filter({ hasText: 'Prescription or plan' })
    assert.equal(await lines.count(), 1)
    await lines.locator('summary').click()
    const members = await text(lines.locator('.sv-members'))
    assert.ok(members.includes('General practice') && members.includes('Birmingham and Solihull mental health'), members)
    // A prescription and that it is said to be taken are two things.
    assert.ok(await page.locator('#medications .sv-line').filter({ hasText: 'Apixaban 5mg tablets' }).count() >= 2)
  }))

await journey('hazard: a merge hides a difference. Sources that differ stand side by side, riskier first, each with who says it', () =>
  misled([], async (page) => {
    const differ = page.getByRole('region', { name: /^Sources differ in.*penicillin/i })
    const sides = await differ.locator('.sv-sides > li').allInnerTexts()
    assert.ok(sides[0].includes('High criticality') && sides.at(-1).includes('Refuted'), sides.join('\n'))
    for (const side of sides) assert.match(side, /Said by \S/)
    assert.ok((await text(banner(page))).includes('Sources differ.'))
  }))

await journey('hazard: over shown as active. A status is in words at every medicine, and what was stopped is not among what is active', () =>
  misled([], async (page) => {
    const warfarin = page.locator('#medications .sv-line').filter({ hasText: 'Warfarin 3mg tablets' }).first()
    assert.match(await text(warfarin), /Warfarin 3mg tablets\s*Stopped/)
    for (const line of await page.locator('#medications .sv-line .sv-what').all()) assert.ok(await line.locator('.sv-tag').count() > 0, await text(line))
    assert.ok(!(await text(page.getByRole('region', { name: 'What matters first' }))).includes('Warfarin'), 'no anticoagulant that is over comes first')
  }))

await journey('hazard: units confused. A chart has one unit, and each value its own laboratory\'s range', () =>
  misled([], async (page) => {
    await page.getByRole('link', { name: 'Results and charts' }).click()
    for (const chart of await page.getByRole('img').all()) {
      const said = await chart.locator('desc').textContent()
      const [, lowest, highest] = said.match(/Lowest [\d.]+ (\S+),.* highest [\d.]+ (\S+?),/) ?? said.match(/Lowest [\d.]+ (\S+).*highest [\d.]+ (\S+)/) ?? []
      assert.ok(lowest && lowest.replace(/\W+$/, '') === highest.replace(/\W+$/, ''), said)
    }
    assert.ok(await page.getByRole('columnheader', { name: 'Reference range' }).count() > 0)
  }, CHARTED))

await journey('hazard: ordered by the wrong date. By when it happened, newest first; what has no date stands first, under its own heading', () =>
  misled([], async (page) => {
    const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
    for (const list of await page.locator('section[id] > .sv-lines').all()) {
      const dates = await list.locator(':scope > .sv-line > .sv-date').allInnerTexts()
      const undated = dates.filter((date) => date.startsWith('Date not recorded'))
      assert.ok(undated.length === 0 || undated.length === dates.length, 'what has no date stands apart')
      const days = dates.map((date) => date.match(/(\d\d)-(\w{3})-(\d{4})/)).map((found) => found && `${found[3]}-${String(months.indexOf(found[2])).padStart(2, '0')}-${found[1]}`)
      const known = days.filter(Boolean)
      assert.deepEqual(known, [...known].sort().reverse(), dates.join())
    }
    const headings = await page.locator('#medications > h3').allInnerTexts()
    assert.equal(headings[0], 'Date not recorded')
    assert.ok(!(await text(page.locator('html'))).includes('1970'))
  }, OTHER))

await journey('hazard: entered in error shown as current. It stands apart, closed and struck through, and nowhere else', () =>
  misled([], async (page) => {
    const apart = page.locator('details').filter({ has: page.locator('summary', { hasText: 'not current: entered in error' }) }).first()
    assert.equal(await apart.evaluate((one) => one.open), false)
    await apart.locator('summary').first().click()
    for (const line of await apart.locator('.sv-line').all()) assert.ok((await line.getAttribute('class')).includes('sv-struck'))
    assert.equal(await page.locator('main section[id] > .sv-lines > .sv-struck').count(), 0)
    await shot(page, 'hazard-entered-in-error')
  }, MISTAKEN))

await journey('hazard: cut off. Where reading stopped at a limit, the source and the section say so', () =>
  misled([['ccr', { fault: 'endless-pages' }]], async (page) => {
    const said = await text(strip(page))
    assert.match(said, /Collaborative Care Record: .*(more|cut|not all)/i, said)
    assert.ok(!said.startsWith('Answered in full: 8'))
    await shot(page, 'hazard-cut-off')
  }))

await journey('hazard: a code mapped wrongly. What the source wrote stands with its own code, and no local code is dropped', () =>
  misled([], async (page) => {
    const differ = await text(page.getByRole('region', { name: /^Sources differ in.*penicillin/i }))
    for (const wanted of ['14L1.00 (Read v2)', '61366513 (the source\'s own system)', 'Z88.0 (ICD-10)']) assert.ok(differ.includes(wanted), `${wanted}: ${differ}`)
    assert.ok((await text(page.locator('main'))).includes('?Depression, low mood since bereavement'), 'in the words of whoever wrote it')
  }))

await journey('hazard: times by another clock. A reader\'s own time zone changes nothing, and a date without a time has none', async () => {
  const said = []
  for (const timezoneId of ['Europe/London', 'Pacific/Auckland']) {
    await misled([], async (page) => said.push((await page.locator('main .sv-date').allInnerTexts()).join('\n')), NUMBER, { timezoneId, javaScriptEnabled: true })
  }
  assert.equal(said[0], said[1])
  assert.match(said[0], /^15-Jul-2020$/m)
  assert.match(said[0], /14-Oct-2026 08:55/)
})

await journey('hazard: relied on while systems are down. The page says that it knows nothing, and not to rely on what is not there', () =>
  misled(all.map((one) => [one, { fault: 'refusing', how: 'unavailable' }]), async (page) => {
    assert.ok((await text(page.getByRole('alert'))).includes('No source answered'))
    assert.ok((await text(strip(page))).includes('Do not rely on its absence.'))
    await shot(page, 'hazard-down')
  }))

await anew()
