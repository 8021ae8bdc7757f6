// hls.js 1.7: CMCD version 2 in event mode, sent to Playhead.
export async function play(video, { media, target, view, title }) {
  const player = new Hls({
    cmcd: {
      version: 2,
      sessionId: view, // a new id for each playback
      contentId: title,
      includeKeys: [], // nothing in the requests for media
      eventTargets: [{
        url: target + '&stop=410', // it stops when it is told that another device took over
        events: ['ps', 't', 'e'],
        interval: 10,
        batchSize: 1,
        includeKeys: ['cid', 'e', 'ec', 'pr', 'sid', 'sn', 'st', 'sta', 'ts', 'v'],
      }],
    },
  });
  player.loadSource(media);
  player.attachMedia(video);
  player.once(Hls.Events.MANIFEST_PARSED, () => video.play());
  return player;
}
