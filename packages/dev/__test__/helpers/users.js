'use strict'

// A user of an app: looks at the screen, clicks, types and presses keys. The same in a window of `runApp` and in Chromium, so that a story is
// told once and happens in both. Nothing waits for time to pass: `sees` ends when the screen shows what is asked for.

const { join } = require('node:path')

const { runApp, serveApp } = require('../../index.js')
const { theBrowser } = require('./chromium.js')

const APPS = join(__dirname, '..', '..', '..', '..', 'examples', 'apps')
/** A screen of a KaiOS phone. */
const SCREEN = { width: 240, height: 320 }
/** Milliseconds that a user has patience. */
const PATIENCE = 20_000

/** What of the element at `selector` a user reads, and whether it is there to be seen. */
function read(document, selector) {
  const element = document.querySelector(selector)
  if (element === null || element.closest('[hidden]') !== null) return null
  return 'value' in element && element.tagName !== 'PROGRESS' ? element.value : element.textContent.trim()
}

class WindowUser {
  constructor(window) {
    this.window = window
  }

  async click(selector) {
    this.#element(selector).click()
  }

  async fill(selector, text) {
    const element = this.#element(selector)
    element.focus()
    element.value = text
    for (const type of ['input', 'change']) {
      element.dispatchEvent(new this.window.Event(type, { bubbles: true }))
    }
  }

  async press(key) {
    const target = this.window.document.activeElement
    const event = new this.window.KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })
    // As a browser does, for whoever does not prevent it.
    if (target.dispatchEvent(event) && key === 'Enter') {
      if (target.tagName === 'BUTTON') target.click()
      else target.form?.requestSubmit()
    }
  }

  async reads(selector) {
    return read(this.window.document, selector)
  }

  async sees(selector, wanted) {
    const { document, MutationObserver } = this.window
    let observer
    let timer
    try {
      await new Promise((resolve, reject) => {
        const look = () => {
          if (wanted.test(read(document, selector) ?? '')) resolve()
        }
        observer = new MutationObserver(look)
        observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
        // Values of inputs change without a mutation, but never alone: the apps say something as well.
        timer = setTimeout(
          () => reject(new Error(complaint(selector, wanted, document.body.textContent))),
          PATIENCE,
        )
        look()
      })
    } finally {
      observer?.disconnect()
      clearTimeout(timer)
    }
    return read(document, selector)
  }

  async shot() {}

  #element(selector) {
    const element = this.window.document.querySelector(selector)
    if (element === null || element.closest('[hidden]') !== null)
      throw new Error(`nobody can see ${selector}`)
    return element
  }
}

class BrowserUser {
  constructor(page) {
    this.page = page
  }

  click(selector) {
    return this.page.locator(selector).click({ timeout: PATIENCE })
  }

  async fill(selector, text) {
    const locator = this.page.locator(selector)
    const isSelect = (await locator.evaluate((element) => element.tagName)) === 'SELECT'
    await (isSelect ? locator.selectOption(text) : locator.fill(text, { timeout: PATIENCE }))
  }

  press(key) {
    return this.page.keyboard.press(key)
  }

  reads(selector) {
    return this.page.evaluate(`(${read})(document, ${JSON.stringify(selector)})`)
  }

  async sees(selector, wanted) {
    const condition = `${wanted}.test((${read})(document, ${JSON.stringify(selector)}) ?? '')`
    try {
      await this.page.waitForFunction(condition, undefined, { timeout: PATIENCE })
    } catch (error) {
      throw new Error(complaint(selector, wanted, await this.page.locator('body').textContent()), {
        cause: error,
      })
    }
    return this.reads(selector)
  }

  /** A picture of the screen, in the folder that MOZTCP_SCREENSHOTS names; where there is none nobody looks at it, but it is taken. */
  shot(name) {
    const folder = process.env.MOZTCP_SCREENSHOTS
    return this.page.screenshot({ path: folder && join(folder, `${name}.png`) })
  }
}

function complaint(selector, wanted, text) {
  return `${selector} does not become ${wanted}; the screen: ${text.replaceAll(/\s+/g, ' ')}`
}

/** The ways to start an app, each `start(t, name)`, which resolves with a user, and with `problems`: what went wrong unseen. */
const PLACES = {
  async run(t, name) {
    const problems = []
    const app = await runApp(join(APPS, name), {
      onError: (error) => problems.push(error),
      onConsole: (method, args) => problems.push([method, ...args]),
    })
    t.teardown(() => app.close())
    return { user: new WindowUser(app.window), problems }
  },
  async serve(t, name, options) {
    const served = await serveApp(join(APPS, name), options)
    t.teardown(() => served.close())
    const context = await (await theBrowser()).newContext({ viewport: SCREEN })
    t.teardown(() => context.close())
    const page = await context.newPage()
    const problems = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    await page.goto(served.url)
    return { user: new BrowserUser(page), problems, served }
  },
}

module.exports = { APPS, PLACES }
