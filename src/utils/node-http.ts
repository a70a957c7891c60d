/**
 * Node's HTTP. Imported, it would take some 45 ms more: all that a built-in module exports is read then, and of this one
 * that loads a whole WebSocket client.
 */
export const http: typeof import('node:http') = process.getBuiltinModule('node:http');
