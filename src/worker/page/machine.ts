/** Hides from the page how large the machine is: pages choose detail and workers by it, and frames would differ. */
export function installMachine(): void {
  const told = { hardwareConcurrency: 4, deviceMemory: 8 };
  for (const [name, value] of Object.entries(told)) {
    Object.defineProperty(Navigator.prototype, name, { configurable: true, get: () => value });
  }
}
