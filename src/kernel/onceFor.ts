/** What follows from a configuration (or a part of it) alone, and is made when it is first asked for, once. */
export function onceFor<Part extends object, Made extends object>(make: (part: Part) => Made): (part: Part) => Made {
  const known = new WeakMap<Part, Made>()
  return (part) => {
    let made = known.get(part)
    if (!made) {
      made = make(part)
      known.set(part, made)
    }
    return made
  }
}
