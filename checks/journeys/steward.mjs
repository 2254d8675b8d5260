// The steward's journey: an answer about somebody else is held, and whether it is so is decided, and taken back.
import assert from 'node:assert/strict'
import { NUMBER, accessible, anew, fail, journey, narrow, opened, read, shot, signIn } from './walk.mjs'

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with script' : 'without script'
  const label = javaScriptEnabled ? 'script' : 'plain'

  await journey(`a steward decides a doubtful link, and takes it back, ${how}`, async () => {
    // A source answers about somebody who is not whom was asked for.
    const reading = await opened({ javaScriptEnabled })
    await fail('uhb', { fault: 'wrong-person', by: 'birth-date' })
    await read(reading.page, 'Hospital doctor', NUMBER)
    assert.equal(await reading.page.getByRole('link', { name: 'Doubtful links' }).count(), 0, 'nobody else works there')
    assert.equal((await reading.page.goto(new URL('/viewer/steward', reading.page.url()).href)).status(), 403)
    await reading.done()

    const { page, done } = await opened({ javaScriptEnabled })
    await signIn(page, 'Steward of the person index')
    await page.getByRole('link', { name: 'Doubtful links' }).click()
    await page.getByRole('heading', { name: 'Doubtful links' }).waitFor()
    await shot(page, `${label}-30-doubts`)
    if (javaScriptEnabled) await accessible(page, 'doubts')
    await narrow(page, 'doubts')
    const waiting = await page.locator('.sv-line').count()
    assert.ok(waiting > 0, 'an answer that is held is a doubt')
    await page.locator('.sv-line a').first().click()
    await page.getByRole('columnheader', { name: 'How they agree' }).waitFor()
    await page.getByRole('rowheader', { name: 'birth date' }).waitFor()
    await shot(page, `${label}-31-doubt`, true)
    if (javaScriptEnabled) await accessible(page, 'doubt')
    await narrow(page, 'doubt')
    await page.getByRole('combobox', { name: 'Who they are' }).selectOption('unknown')
    await page.getByRole('textbox', { name: 'Why, in words' }).fill('The hospital looks for the paper record')
    await page.getByRole('button', { name: 'Decide on this link' }).click()
    await page.getByRole('heading', { name: 'Decided: It cannot be said' }).waitFor()
    await page.getByRole('textbox', { name: 'Why it is taken back' }).fill('The paper record was found')
    await page.getByRole('button', { name: 'Take the decision back' }).click()
    await page.getByRole('button', { name: 'Decide on this link' }).waitFor()
    await page.getByRole('link', { name: 'What waits' }).click()
    assert.equal(await page.locator('.sv-line').count(), waiting)
    await done()
  })
  await anew()
}
