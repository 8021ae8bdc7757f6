// hls.js 1.7 with @playhead/reporter: the viewer goes on where they left off.
import { reportVideo } from '@playhead/reporter';

export async function play(video, { media, server, account, profile, title }) {
  const reporter = reportVideo(video, { server, account, profile, title });
  const player = new Hls();
  player.loadSource(media);
  player.attachMedia(video);
  await reporter.resume();
  await video.play();
  return { player, reporter };
}
