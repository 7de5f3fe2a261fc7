/** Values that cannot be inspected: touching them throws, or what they say of themselves is of no use. Also for devices. */
const TRAPS = Object.getOwnPropertyNames(Reflect);

function refuse() {
  throw new Error('hands off');
}

const closed = () => new Proxy(() => {}, Object.fromEntries(TRAPS.map((trap) => [trap, refuse])));
const closedObject = () => new Proxy({}, Object.fromEntries(TRAPS.map((trap) => [trap, refuse])));

function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function revokedArray() {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  return proxy;
}

/** An object whose every usual property throws; it also claims to be a Curfew error. */
function withGetters() {
  const names = ['constructor', 'name', 'message', 'stack', 'code', 'node', 'expected', 'cause', 'then'];
  const properties = [...names, Symbol.toStringTag, Symbol.toPrimitive, Symbol.for('curfew.error')];
  const descriptor = { get: refuse, enumerable: true };
  return Object.defineProperties({}, Object.fromEntries(properties.map((name) => [name, descriptor])));
}

/** An error that claims to be Curfew's and has nothing but what no thread can be sent. */
function uncloneable() {
  const fields = { code: refuse, message: refuse, stack: refuse, node: refuse, expected: refuse };
  return Object.assign(Object.create(null), fields, { [Symbol.for('curfew.error')]: true });
}

/** Makers by name. */
export const UNINSPECTABLE = {
  'a proxy that refuses everything': closedObject,
  'a function behind such a proxy': closed,
  'a revoked proxy': revoked,
  'a revoked array': revokedArray,
  'an object of throwing getters': withGetters,
  'an error made of functions': uncloneable,
  'an object without a prototype': () => Object.create(null),
  'an object whose class has a symbol for a name': () => ({ constructor: { name: Symbol('s') } }),
  'a symbol': () => Symbol('s'),
  'a bigint': () => 10n ** 400n,
  null: () => null,
  undefined: () => undefined,
};
