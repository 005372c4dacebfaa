/** Flags that had another name once. Both are understood; help shows the new one. */
interface OldName {
  /** The command's words begin with these. */
  readonly command: string;
  readonly from: string;
  readonly to: string;
}

const OLD_NAMES: readonly OldName[] = [
  { command: 'k8s', from: 'listen', to: 'http' },
  { command: 'k8s', from: 'metrics-listen', to: 'monitor' },
  { command: 'mutation-log webhook', from: 'listen', to: 'http' },
  { command: 'cache refresh', from: 'wait', to: 'now' },
  { command: 'cache warm', from: 'from', to: 'provider' },
];

/** The command line with today's names of its flags. What stands after `--` is not Samovar's. */
export function withTodaysNames(args: readonly string[]): readonly string[] {
  const line = `${args.join(' ')} `;
  const old = OLD_NAMES.filter(({ command }) => line.startsWith(`${command} `));
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  return args.map((arg, at) => {
    const [, no = '', name, rest = ''] = /^--(no-)?([a-z-]+)(=.*)?$/s.exec(arg) ?? [];
    const today = at < end ? old.find(({ from }) => from === name) : undefined;
    return today === undefined ? arg : `--${no}${today.to}${rest}`;
  });
}
