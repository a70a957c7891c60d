import { useLayoutEffect, useRef } from 'react';
import { AbsoluteFill, Composition, registerRoot, useCurrentFrame, useVideoConfig } from 'remotion';
import { looks } from './looks.mjs';
import { showLook } from './stage.mjs';

function Look({ name }) {
  const frame = useCurrentFrame();
  const { fps } = useVideoConfig();
  const stage = useRef(null);
  const seek = useRef(null);
  useLayoutEffect(() => {
    seek.current ??= showLook(stage.current, looks[name]);
    seek.current((frame * 1000) / fps);
  }, [frame, fps, name]);
  return (
    <AbsoluteFill>
      <div id="stage" ref={stage} />
    </AbsoluteFill>
  );
}

registerRoot(() =>
  Object.keys(looks).map((name) => (
    <Composition
      key={name}
      id={name}
      component={Look}
      defaultProps={{ name }}
      durationInFrames={1800}
      fps={30}
      width={1920}
      height={1080}
    />
  )),
);
