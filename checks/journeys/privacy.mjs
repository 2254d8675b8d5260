// The privacy officer's journey: an access is looked at, decided on, and reported.
import assert from 'node:assert/strict'
import { NAME, NUMBER, accessible, anew, journey, narrow, open, opened, shot, signIn } from './walk.mjs'

const WORDS = 'Unconscious on the pavement'

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with script' : 'without script'
  const label = javaScriptEnabled ? 'script' : 'plain'

  await journey(`a privacy officer looks at an emergency access and decides, ${how}`, async () => {
    const glass = await opened({ javaScriptEnabled })
    await signIn(glass.page, 'Paramedic')
    assert.equal(await glass.page.getByRole('link', { name: 'Privacy', exact: true }).count(), 0, 'nobody else works there')
    assert.equal((await glass.page.goto(new URL('/viewer/privacy', glass.page.url()).href)).status(), 403)
    await open(glass.page, NUMBER)
    await glass.page.getByRole('combobox', { name: 'What makes it an emergency' }).selectOption({ label: 'The person is unconscious' })
    await glass.page.getByRole('textbox', { name: 'In words: why you need this record now' }).fill(WORDS)
    await glass.page.getByRole('button', { name: `Emergency: open the record of ${NAME}` }).click()
    await glass.page.getByRole('region', { name: 'Patient' }).waitFor()
    await glass.done()

    const { page, done } = await opened({ javaScriptEnabled })
    await signIn(page, 'Privacy officer')
    await page.getByRole('link', { name: 'Privacy', exact: true }).click()
    await page.getByRole('heading', { name: 'Accesses to look at' }).waitFor()
    await shot(page, `${label}-20-queue`)
    if (javaScriptEnabled) await accessible(page, 'queue')
    await narrow(page, 'queue')
    const waiting = await page.locator('.sv-line').count()
    await page.getByRole('link', { name: 'Emergency access' }).last().click()
    const said = (await page.locator('main').innerText()).replace(/\s+/g, ' ')
    for (const wanted of [WORDS, 'Waits', 'read everything', 'answered']) assert.ok(said.toLowerCase().includes(wanted.toLowerCase()), `${wanted}: ${said}`)
    // Who looked, and not what was seen.
    for (const secret of [NAME, '999 000 0018', NUMBER, 'Penicillin', 'penicillin']) assert.ok(!said.includes(secret), `${secret}: ${said}`)
    await shot(page, `${label}-21-case`, true)
    if (javaScriptEnabled) await accessible(page, 'case')
    await narrow(page, 'case')
    // What may not stand in a note is said, and nothing is decided.
    await page.getByRole('combobox', { name: 'What it was' }).selectOption('justified')
    await page.getByRole('textbox', { name: 'Why, in words' }).fill(`Seen on ${NUMBER}`)
    await page.getByRole('button', { name: 'Decide on this access' }).click()
    assert.match(await page.getByRole('alert').innerText(), /must not hold an NHS number/)
    await page.getByRole('combobox', { name: 'What it was' }).selectOption('justified')
    await page.getByRole('textbox', { name: 'Why, in words' }).fill('The crew\'s log has the call')
    await page.getByRole('button', { name: 'Decide on this access' }).click()
    await page.getByRole('heading', { name: 'What was decided' }).waitFor()
    assert.ok((await page.locator('main').innerText()).includes('The crew\'s log has the call'))
    assert.equal(await page.getByRole('button', { name: 'Decide on this access' }).count(), 0)
    await shot(page, `${label}-22-decided`, true)
    await page.getByRole('link', { name: 'What waits' }).click()
    assert.equal(await page.locator('.sv-line').count(), waiting - 1)
    await page.getByRole('link', { name: 'Who looked' }).click()
    await page.getByRole('textbox', { name: 'NHS number of the patient' }).fill(NUMBER)
    await page.getByRole('button', { name: 'Show who looked' }).click()
    await page.getByRole('heading', { name: /on this page/ }).waitFor()
    assert.ok(!page.url().includes(NUMBER), 'a number stands in no address')
    const found = await page.locator('main').innerText()
    assert.ok(found.includes('emergency') || found.includes('Emergency'), found)
    await shot(page, `${label}-23-report`)
    if (javaScriptEnabled) await accessible(page, 'report')
    await narrow(page, 'report')
    await done()
  })
  await anew()
}
