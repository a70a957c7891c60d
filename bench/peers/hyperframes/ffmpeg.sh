#!/bin/sh
# FFmpeg with the preset that all others have.
for argument; do
  shift
  [ "$argument" = medium ] && [ "$previous" = -preset ] && argument=veryfast
  previous=$argument
  set -- "$@" "$argument"
done
exec "$BENCH_FFMPEG" "$@"
