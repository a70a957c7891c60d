/** An instruction of a Dockerfile, its lines joined. */
export interface Instruction {
  readonly word: string;
  readonly rest: string;
}

export function parseDockerfile(text: string): Instruction[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, ' ')
    .trim()
    .split('\n');
  return lines.map((line) => {
    const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    return { word, rest };
  });
}

/** What is copied into the image out of the build's context. */
export function copiedSources(text: string): string[] {
  return parseDockerfile(text)
    .filter(({ word, rest }) => word === 'COPY' && !rest.includes('--from='))
    .map(({ rest }) => rest.split(/\s+/)[0] as string);
}

/** What is wrong with a Dockerfile by rules of ours, some of them as hadolint's; none when it is good. */
export function lintDockerfile(text: string): string[] {
  const all = parseDockerfile(text);
  const faults: string[] = [];
  const stages = new Set<string>();
  const names = all.filter(({ word }) => word === 'FROM');
  for (const { word, rest } of all) {
    if (word !== word.toUpperCase()) faults.push(`${word}: instructions are written in capitals`);
    if (word === 'FROM') {
      const [, image = '', stage] = /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(rest) ?? [];
      if (!stages.has(image) && !/:(?!latest)[\w.-]*\d+\.\d+\.\d+[\w.-]*$/.test(image))
        faults.push(`${image}: the base needs a whole version as its tag`);
      if (stage) stages.add(stage);
    }
    if (/:latest\b/.test(rest)) faults.push(`latest is no version: ${rest}`);
    if (word === 'ADD') faults.push('ADD fetches and unpacks; COPY does not');
    if (word === 'MAINTAINER') faults.push('MAINTAINER is out of use');
    if (word === 'RUN') faults.push(...lintRun(rest));
    if (/^(CMD|ENTRYPOINT)$/.test(word) && !rest.startsWith('['))
      faults.push(`${word}: needs the form ["…"]`);
    if (word === 'WORKDIR' && !rest.startsWith('/')) faults.push('WORKDIR must be absolute');
    if (word === 'ENV' && /SECRET|PASSWORD|TOKEN|_KEY=/i.test(rest))
      faults.push('ENV keeps a secret in the image');
    if (word === 'COPY') {
      const from = /--from=(\S+)/.exec(rest)?.[1];
      if (from && !stages.has(from)) faults.push(`COPY --from=${from}: there is no such stage`);
      if (/(^|\s)\.\/?\s/.test(rest)) faults.push('COPY . takes in what nobody looked at');
      if (/--chown/.test(rest)) faults.push('COPY --chown lets the user write to the image');
    }
  }
  if (names.length < 2) faults.push('one stage: what builds stays in the image');
  const last = all.findLastIndex(({ word }) => word === 'FROM');
  const final = all.slice(last);
  const user = final.findLast(({ word }) => word === 'USER')?.rest ?? 'root';
  if (/^(root|0)(:|$)/.test(user) || !/^\d+(:\d+)?$/.test(user))
    faults.push(`USER ${user}: must be a number, and not root's`);
  const userAt = final.findLastIndex(({ word }) => word === 'USER');
  if (final.slice(userAt).some(({ word }) => word === 'RUN' || word === 'COPY'))
    faults.push('the user must own no file: COPY and RUN come before USER');
  // What changes seldom comes first, so that its layers are kept.
  const lastApt = final.findLastIndex(({ rest }) => /apt-get/.test(rest));
  const firstCopy = final.findIndex(({ word }) => word === 'COPY');
  if (lastApt > firstCopy) faults.push('apt-get comes before COPY, or its layer is made anew each time');
  const kit = final.findLastIndex(({ rest }) => rest.includes('--from='));
  const code = final.findIndex(({ word, rest }) => word === 'COPY' && !rest.includes('--from='));
  if (kit > code) faults.push('the kit changes less often than the programs: it is copied first');
  return faults;
}

function lintRun(rest: string): string[] {
  const faults: string[] = [];
  if (/\bsudo\b/.test(rest)) faults.push('RUN sudo');
  if (/\b(curl|wget)\b/.test(rest)) faults.push('RUN fetches what nothing pins');
  if (!/apt-get install/.test(rest)) return faults;
  if (!/apt-get update/.test(rest)) faults.push('apt-get install needs apt-get update in the same RUN');
  if (!/--no-install-recommends/.test(rest)) faults.push('apt-get install needs --no-install-recommends');
  if (!/(--yes|-y)\b/.test(rest)) faults.push('apt-get install needs --yes');
  if (!/rm -rf \/var\/lib\/apt\/lists\/\*/.test(rest)) faults.push('the lists of apt stay in the layer');
  const packages = /apt-get install\s+([^&]+)/
    .exec(rest)?.[1]
    ?.split(/\s+/)
    .filter((part) => part && !part.startsWith('-'));
  for (const part of packages ?? []) if (!part.includes('=')) faults.push(`${part}: needs a version`);
  return faults;
}
