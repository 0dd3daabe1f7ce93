'use strict'

// The package as users of Jest have it: by its name, in the `node` environment and in `jsdom`, each a realm of its own.

module.exports = {
  projects: ['node', 'jsdom'].map((testEnvironment) => ({
    displayName: testEnvironment,
    rootDir: __dirname,
    testEnvironment,
    testMatch: ['<rootDir>/*.spec.js'],
    transform: {},
  })),
}
