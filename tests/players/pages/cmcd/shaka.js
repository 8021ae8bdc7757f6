// shaka-player 5.2: CMCD version 2 in event mode, sent to Playhead.
export async function play(video, { media, target, view, title }) {
  const player = new shaka.Player();
  player.configure({
    cmcd: {
      enabled: true,
      version: 2,
      sessionId: view, // a new id for each playback
      contentId: title,
      includeKeys: ['v'], // next to nothing in the requests for media
      eventTargets: [{
        mode: 'event',
        enabled: true,
        useHeaders: false,
        url: target,
        version: 2,
        events: ['ps', 't', 'e', 'b'],
        interval: 10,
        batchSize: 1,
        includeKeys: ['bg', 'cid', 'e', 'ec', 'pr', 'sid', 'sn', 'st', 'sta', 'ts', 'v'],
      }],
    },
  });
  await player.attach(video);
  await player.load(media);
  await video.play();
  return player;
}
