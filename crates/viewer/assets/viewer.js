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

for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false
  button.addEventListener('click', () => print())
}
