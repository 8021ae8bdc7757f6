// dash.js 5.2: CMCD version 2 in event mode, sent to Playhead.
export async function play(video, { media, target, view, title }) {
  const player = dashjs.MediaPlayer().create();
  player.updateSettings({
    streaming: {
      cmcd: {
        enabled: true,
        version: 2,
        sid: view, // a new id for each playback
        cid: title,
        eventTargets: [{
          enabled: true,
          url: target,
          events: ['ps', 't', 'e'],
          interval: 10,
          batchSize: 1,
          enabledKeys: ['cid', 'e', 'ec', 'pr', 'sid', 'sn', 'st', 'sta', 'ts', 'v'],
        }],
      },
    },
  });
  player.initialize(video, media, true);
  return player;
}
