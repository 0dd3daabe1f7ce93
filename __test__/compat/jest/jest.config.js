'use strict'

// The package as users of Jest have it: by its name, in the `node` environment and in `jsdom`, each a realm of its own; and
// registered there before the tests, in `registered.test.js`.

const project = (testEnvironment, testMatch, setupFiles) => ({
  displayName: testEnvironment,
  rootDir: __dirname,
  testEnvironment,
  testMatch: [`<rootDir>/${testMatch}`],
  setupFiles,
  transform: {},
})

module.exports = {
  projects: ['node', 'jsdom'].flatMap((environment) => [
    project(environment, '*.spec.js', []),
    project(environment, '*.test.js', ['<rootDir>/before-register.js', 'moz-tcp-socket/register']),
  ]),
}
