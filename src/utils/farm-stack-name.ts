/** The stack that `helios-infra deploy` makes of a farm. */
export function farmStackName(farm: string): string {
  return `helios-infra-${farm}`;
}
