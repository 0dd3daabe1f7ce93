// What ava runs for `npm run test:faults`: the fault suite, which needs minutes, root for network namespaces, and a C compiler, and
// is not part of `npm test`. Two files at a time, each in a process of its own.
export default {
  concurrency: 2,
  files: ['__test__/faults/**/*.spec.js'],
  timeout: '300s',
  workerThreads: false,
}
