/// The page that the demo's backends answer with. Its style and script are files that Martlet
/// serves from disk: `DemoSite`.
enum Page {
  /// - Parameters:
  ///   - style: path of the style sheet.
  ///   - script: path of the script.
  static func html(style: String, script: String) -> String {
    #"""
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Martlet</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="\#(style)">
    </head>
    <body>
    <header>
    <svg viewBox="0 0 96 80" role="img" aria-label="A martlet: the heraldic swallow without feet">
    \#(martlet)
    </svg>
    <div>
    <h1>Martlet</h1>
    <p>A bird without feet, forever on the wing. Everything on this page came through it.</p>
    </div>
    </header>
    <main>
    <section aria-labelledby="web">
    <h2 id="web">Who answers</h2>
    <p class="note"><code>GET /api/whoami</code>, twice a second, over two redundant backends.
    Stop one and watch the other take over; start it again and it comes back once its health
    checks pass.</p>
    <div class="servers" id="web-servers"></div>
    <ol class="tally" id="tally" aria-label="The last answers"></ol>
    <p class="figures">
    <span><b id="answered">0</b> answered</span>
    <span><b id="failed">0</b> failed</span>
    <span><b id="latency">–</b> median of the last 60</span>
    </p>
    <h3>What the backend was told</h3>
    <dl class="seen" id="seen"></dl>
    </section>
    <section aria-labelledby="live">
    <h2 id="live">A live channel</h2>
    <p class="note">Socket.IO: long-polling first, then a WebSocket, both to the same server of two.
    Stop that one and the channel moves to the other.</p>
    <div class="servers" id="live-servers"></div>
    <dl class="channel">
    <div><dt>State</dt><dd id="channel-state">connecting</dd></div>
    <div><dt>Transport</dt><dd id="channel-transport">–</dd></div>
    <div><dt>Server</dt><dd id="channel-server">–</dd></div>
    <div><dt>Ticks</dt><dd id="channel-ticks">0</dd></div>
    </dl>
    <form id="hello">
    <input id="hello-text" value="Hello" aria-label="What to say" maxlength="80" autocomplete="off">
    <button>Say it</button>
    </form>
    <ol class="log" id="log" aria-live="polite"></ol>
    </section>
    </main>
    <footer>
    <p>Routes as in <code>config/erpnext.yaml</code>: files under <code>/assets</code>, Socket.IO under
    <code>/socket.io</code>, everything else to the backends.
    What a backend sees of you, whole: <a href="/api/whoami">/api/whoami</a>.</p>
    </footer>
    <script src="\#(script)"></script>
    </body>
    </html>

    """#
  }

  /// In heraldry a martlet faces left and has tufts of feathers where its legs would be.
  private static let martlet = #"""
    <path class="bird" d="M5.5 25.5 L15 19.5 C17 12.5 24 9 31 11.5
    C36.5 13.5 39 17.5 45 20.5 C57 26 70 28 92 47 C84 45.5 78 45 72 45.5
    C79 49 86 53.5 90 59 C80 56 74 55 68 54.5 C73 59 77 63.5 79 69
    C70 63 62 59 55 58.5 C52 60 49 60.8 46.5 61 C46.5 65 45 69 42.5 73
    C41.5 70.5 40.8 68.5 40.5 66.5 C39.3 69 37.8 71 36 73
    C35 70.5 34.6 68 34.7 65.5 C33.2 67.5 31.5 69.2 29.5 70.5
    C29.3 66.5 29.8 62.8 31 59.5 C22 55 16.5 46.5 16.5 36
    C16.5 32.5 16.8 30 16.3 27.3 Z"/>
    <path class="feather" d="M33 31 C37 44 52 50 72 45.5 M42 33.5 C47 39.5 55 42.5 64 43
    M47 29.5 C54 35.5 62 38.5 73 40.5"/>
    <circle class="eye" cx="22.5" cy="19" r="1.8"/>
    """#
}
