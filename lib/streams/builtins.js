'use strict'

// Streams of this realm, and what their controllers can do, as it was when a face was loaded that has them: see ../builtins.js for why.

const { getter, uncurryThis } = require('../builtins.js')

const {
  FinalizationRegistry,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  WritableStream,
  WeakRef,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} = globalThis

module.exports = {
  FinalizationRegistry,
  ReadableStream,
  WeakRef,
  WritableStream,

  ByteControllerClose: uncurryThis(ReadableByteStreamController.prototype.close),
  ByteControllerEnqueue: uncurryThis(ReadableByteStreamController.prototype.enqueue),
  ByteControllerError: uncurryThis(ReadableByteStreamController.prototype.error),
  ByteControllerGetByobRequest: getter(ReadableByteStreamController.prototype, 'byobRequest'),
  ByobRequestGetView: getter(ReadableStreamBYOBRequest.prototype, 'view'),
  ByobRequestRespond: uncurryThis(ReadableStreamBYOBRequest.prototype.respond),
  DefaultControllerClose: uncurryThis(ReadableStreamDefaultController.prototype.close),
  DefaultControllerEnqueue: uncurryThis(ReadableStreamDefaultController.prototype.enqueue),
  DefaultControllerError: uncurryThis(ReadableStreamDefaultController.prototype.error),
  FinalizationRegister: uncurryThis(FinalizationRegistry.prototype.register),
  FinalizationUnregister: uncurryThis(FinalizationRegistry.prototype.unregister),
  ReadableStreamGetLocked: getter(ReadableStream.prototype, 'locked'),
  WeakRefDeref: uncurryThis(WeakRef.prototype.deref),
  WritableControllerError: uncurryThis(WritableStreamDefaultController.prototype.error),
  WritableControllerGetSignal: getter(WritableStreamDefaultController.prototype, 'signal'),
  WritableStreamDefaultWriterReleaseLock: uncurryThis(WritableStreamDefaultWriter.prototype.releaseLock),
  WritableStreamDefaultWriterWrite: uncurryThis(WritableStreamDefaultWriter.prototype.write),
  WritableStreamClose: uncurryThis(WritableStream.prototype.close),
  WritableStreamGetWriter: uncurryThis(WritableStream.prototype.getWriter),
  WritableStreamGetLocked: getter(WritableStream.prototype, 'locked'),
}
