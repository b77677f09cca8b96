extension Page {
  static let style = #"""
    :root {
      color-scheme: light dark;
      --paper: #fbfaf7; --card: #ffffff; --ink: #1c2733; --soft: #5d6b78; --line: #e3e1da;
      --blue: #1d3b5c; --a: #2f6db5; --b: #c98a1b; --bad: #b3362c; --good: #2e7d4f;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --paper: #12171d; --card: #1a2129; --ink: #e6e9ec; --soft: #93a1ae; --line: #2b3540;
        --blue: #a9c6e8; --a: #5e9fe6; --b: #e0aa45; --bad: #e5695e; --good: #58b981;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0 auto; max-width: 68rem; padding: 2.5rem 1.5rem;
      background: var(--paper); color: var(--ink);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
    }
    header { display: flex; align-items: center; gap: 1.5rem; margin-bottom: 2rem; }
    header svg { width: 6rem; flex: none; }
    .bird { fill: var(--blue); }
    .eye { fill: var(--paper); }
    .feather { fill: none; stroke: var(--paper); stroke-width: 1.6; stroke-linecap: round; }
    h1 {
      margin: 0; font: 500 2.4rem/1.1 "Iowan Old Style", Palatino, Georgia, serif;
      letter-spacing: .01em; color: var(--blue);
    }
    header p { margin: .35rem 0 0; color: var(--soft); }
    main { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); }
    section {
      background: var(--card); border: 1px solid var(--line); border-radius: 12px;
      padding: 1.25rem 1.4rem 1.4rem;
    }
    h2 { margin: 0 0 .3rem; font-size: 1.1rem; }
    .note { margin: 0 0 1rem; color: var(--soft); font-size: .9rem; }
    code { font: .92em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
    .servers { display: grid; gap: .5rem; }
    .server {
      display: grid; grid-template-columns: auto 1fr auto auto; align-items: center; gap: .7rem;
      border: 1px solid var(--line); border-radius: 8px; padding: .5rem .5rem .5rem .8rem;
    }
    .server .dot { width: .7rem; height: .7rem; border-radius: 50%; background: var(--soft); }
    .server.a .dot { background: var(--a); }
    .server.b .dot { background: var(--b); }
    .server.stopped .dot { background: transparent; box-shadow: inset 0 0 0 2px var(--bad); }
    .server .name { font-weight: 600; white-space: nowrap; }
    .server .count { white-space: nowrap; }
    .server .count { color: var(--soft); font-size: .85rem; font-variant-numeric: tabular-nums; }
    .health { font-size: .85rem; color: var(--soft); }
    .health.up { color: var(--good); }
    .health.down { color: var(--bad); }
    button {
      font: inherit; font-size: .85rem; color: var(--ink); background: var(--paper);
      border: 1px solid var(--line); border-radius: 6px; padding: .3rem .8rem; cursor: pointer;
      min-width: 4.2rem;
    }
    button:hover { border-color: var(--soft); }
    button:disabled { opacity: .45; cursor: default; }
    .tally {
      list-style: none; margin: 1rem 0 .8rem; padding: 0; height: 2.2rem;
      display: grid; grid-template-columns: repeat(60, 1fr); gap: 2px;
    }
    .tally li { border-radius: 2px; background: var(--line); }
    .tally .a { background: var(--a); }
    .tally .b { background: var(--b); }
    .tally .failed { background: var(--bad); }
    .figures { display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; margin: 0; color: var(--soft); font-size: .9rem; }
    .figures b { color: var(--ink); font-variant-numeric: tabular-nums; }
    .channel { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .5rem 1.2rem; margin: 1rem 0; }
    .channel dt { color: var(--soft); font-size: .8rem; }
    .channel dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
    #channel-server.a { color: var(--a); }
    #channel-server.b { color: var(--b); }
    h3 { margin: 1.2rem 0 .3rem; font-size: .8rem; font-weight: 400; color: var(--soft); }
    .seen {
      display: grid; grid-template-columns: auto 1fr; gap: 0 1rem; margin: 0;
      font: .8rem/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
    }
    .seen dt { color: var(--soft); }
    .seen dd { margin: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    form { display: flex; gap: .5rem; }
    input {
      flex: 1; min-width: 0; font: inherit; font-size: .9rem; padding: .3rem .6rem;
      color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: 6px;
    }
    .log {
      list-style: none; margin: .8rem 0 0; padding: 0; height: 7.5em; overflow: hidden;
      color: var(--soft); font: .8rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
    }
    .log li { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
    footer { margin-top: 1.5rem; color: var(--soft); font-size: .85rem; }
    a { color: var(--a); }

    """#
}
