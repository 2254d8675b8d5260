// What a page does beside being read. Nothing here is needed: without script every page says and takes the same.
import { initAll } from './nhsuk-frontend.js'

document.documentElement.classList.add('nhsuk-frontend-supported')
document.body.classList.add('js-enabled', 'nhsuk-frontend-supported')
initAll()

// How long an emergency lasts, counted down.
const left = document.querySelector('[data-until]')
if (left) {
  const until = new Date(left.dataset.until).getTime()
  const tell = () => {
    const minutes = Math.max(0, Math.ceil((until - Date.now()) / 60000))
    left.textContent = minutes > 0 ? `, in ${Math.floor(minutes / 60)} h ${minutes % 60} min` : ', over now: what is below may no longer be shown to you'
  }
  tell()
  setInterval(tell, 15000)
}

// Whatever leads to a line opens what it stands in.
const open = () => {
  const target = location.hash && document.getElementById(location.hash.slice(1))
  for (let around = target; around; around = around.parentElement) {
    if (around instanceof HTMLDetailsElement) around.open = true
  }
}
addEventListener('hashchange', open)
open()

const printing = () => {
  for (const button of document.querySelectorAll('[data-print]')) {
    button.hidden = false
    button.addEventListener('click', () => print())
  }
}
printing()

// Pages may come before all has: only where there is something to add the rest.
document.cookie = `severn-script=1; path=/viewer; samesite=strict${location.protocol === 'https:' ? '; secure' : ''}`

// What had not come when the page did. Each part is the page anew. Only who answered and the allergies change by themselves, and push
// nothing away; all else waits until its reader asks for it.
const late = document.querySelector('[data-more]')
if (late) {
  const [said, show] = [late.querySelector('p'), late.querySelector('button')]
  const known = new Set(lines(document))
  const strip = document.getElementById('completeness')
  const allergies = document.querySelector('.sv-allergies')
  const awaited = names(document)
  let newest = null

  function lines(page) {
    return [...page.querySelectorAll('main .sv-line[id], main tr[id]')].map((line) => line.id)
  }

  function names(page) {
    return [...page.querySelectorAll('#completeness [data-awaited]')].map((one) => one.dataset.source)
  }

  // As high as it was, or over what is below it: never pushing that.
  function inPlace(old, now, over) {
    const height = old.getBoundingClientRect().height
    old.replaceChildren(...now.childNodes)
    old.className = now.className
    old.style.minHeight = `${height}px`
    const more = old.getBoundingClientRect().height - height
    if (more > 0) over.style.marginBottom = `${parseFloat(getComputedStyle(over).marginBottom) - more}px`
  }

  function tell(text) {
    said.textContent = text
    late.hidden = false
  }

  function part(page, last) {
    newest = page
    const waiting = names(page)
    const answered = awaited.filter((name) => !waiting.includes(name))
    const fresh = new Set(lines(page).filter((id) => !known.has(id)))
    const now = page.querySelector('.sv-allergies').cloneNode(true)
    const listed = (one) => [...one.children].filter((part) => !part.matches('.sv-why, .sv-tag')).map((part) => part.textContent).join()
    const mark = allergies.querySelector(':scope > .sv-tag')
    if (mark) now.prepend(mark, ' ')
    else if (listed(now) !== listed(allergies)) {
      const at = new Date().toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
      now.prepend(Object.assign(document.createElement('strong'), { className: 'sv-tag sv-tag--red', textContent: `Changed ${at}` }), ' ')
    }
    inPlace(allergies, now, document.querySelector('.sv-banner'))
    inPlace(strip, page.getElementById('completeness').cloneNode(true), strip)
    const count = fresh.size
    const more = count === 0 ? 'Nothing is added to what you see.' : `${count} ${count === 1 ? 'entry' : 'entries'} more.`
    const lacking = Object.fromEntries([...page.querySelectorAll('#completeness [data-source]')].map((one) => [one.dataset.source, one.textContent]))
    const who = answered.map((name) => `${lacking[name] ?? `${name} has answered`}. `).join('')
    tell(`${who}${more}${waiting.length ? ` Not answered yet: ${waiting.join(', ')}.` : ' No more is waited for.'}`)
    show.hidden = count === 0 && !changed(page)
    if (last) stream.close()
  }

  // Whether anything but lines that came is other than it was.
  function changed(page) {
    const text = (one) => one.querySelector('main').textContent.replace(one.getElementById('completeness').textContent, '')
    return text(page) !== text(document)
  }

  // The line that is read stays where it is.
  function anchor() {
    const top = document.querySelector('.sv-banner').getBoundingClientRect().bottom
    const line = [...document.querySelectorAll('main [id]')].find((one) => one.getBoundingClientRect().top >= top)
    return line && { id: line.id, at: line.getBoundingClientRect().top }
  }

  show.addEventListener('click', () => {
    const held = anchor()
    const opened = [...document.querySelectorAll('main .sv-line[id] details[open]')].map((one) => one.closest('.sv-line').id)
    newest.querySelector('[data-more]')?.remove()
    for (const id of lines(newest)) {
      const line = newest.getElementById(id)
      if (opened.includes(id)) for (const details of line.querySelectorAll('details')) details.open = true
      if (known.has(id)) continue
      const mark = Object.assign(document.createElement('span'), { className: 'sv-tag sv-tag--yellow', textContent: 'Came late' })
      line.querySelector('.sv-what, th')?.append(' ', mark)
    }
    const mark = allergies.querySelector(':scope > .sv-tag')
    document.body.append(late)
    for (const part of ['.sv-banner', 'main', '.sv-foot']) {
      const [old, now] = [document.querySelector(part), newest.querySelector(part)]
      if (part === '.sv-banner') {
        old.style.marginBottom = ''
        if (mark) now.querySelector('.sv-allergies').prepend(mark, ' ')
      }
      old.replaceChildren(...now.childNodes)
    }
    printing()
    show.hidden = true
    tell('What came is on the page now, each entry marked “Came late”.')
    const line = held && document.getElementById(held.id)
    if (line) scrollBy(0, line.getBoundingClientRect().top - held.at)
    document.getElementById('main').focus({ preventScroll: true })
  })

  const stream = new EventSource(late.dataset.more)
  for (const [name, last] of [['part', false], ['last', true]]) {
    stream.addEventListener(name, (event) => part(new DOMParser().parseFromString(JSON.parse(event.data), 'text/html'), last))
  }
  stream.addEventListener('error', () => {
    stream.close()
    tell(`What had not come could not be had. Not answered: ${names(document).join(', ')}. Load the page again.`)
  })
}
