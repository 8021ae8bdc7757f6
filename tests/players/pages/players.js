// The players, each given the same clip, without any reporting of their own.

export function script(address) {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    Object.assign(element, { src: address, onload: resolve, onerror: () => reject(new Error(`${address} is missing`)) });
    document.head.append(element);
  });
}

export const scripts = {
  dashjs: '/node_modules/dashjs/dist/modern/umd/dash.all.min.js',
  hlsjs: '/node_modules/hls.js/dist/hls.min.js',
  shaka: '/node_modules/shaka-player/dist/shaka-player.compiled.js',
};

export const players = {
  async video(video) {
    video.src = '/media/clip.mp4';
  },

  async dashjs(video) {
    await script(scripts.dashjs);
    const player = window.player = dashjs.MediaPlayer().create();
    // It takes the element only after a while, and interrupts whoever plays it before.
    const ready = new Promise((resolve) => { player.on(dashjs.MediaPlayer.events.CAN_PLAY, resolve); });
    player.initialize(video, '/media/manifest.mpd', false);
    await ready;
  },

  async hlsjs(video) {
    await script(scripts.hlsjs);
    const player = window.player = new Hls();
    player.loadSource('/media/master.m3u8');
    player.attachMedia(video);
  },

  async shaka(video) {
    await script(scripts.shaka);
    const player = window.player = new shaka.Player();
    await player.attach(video);
    await player.load('/media/manifest.mpd');
  },
};
