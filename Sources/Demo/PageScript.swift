extension Page {
  static let script = #"""
    "use strict";

    const $ = (id) => document.getElementById(id);
    const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
    const side = (name) => (name && name.endsWith("-b") ? "b" : "a");

    async function json(path, options = {}) {
      const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(4000), ...options });
      const body = await response.json().catch(() => null);
      if (!response.ok || !body) throw new Error(body?.error || `status ${response.status}`);
      return body;
    }

    // Log: what happened, newest first.
    function say(text) {
      const item = document.createElement("li");
      item.textContent = `${new Date().toLocaleTimeString()}  ${text}`;
      $("log").prepend(item);
      while ($("log").children.length > 8) $("log").lastChild.remove();
    }

    // The four servers, their health, and a button to stop or start each.
    const rows = new Map();
    const tallies = new Map();

    function row(server) {
      if (rows.has(server.name)) return rows.get(server.name);
      const element = document.createElement("div");
      element.innerHTML =
        '<span class="dot"></span><span><span class="name"></span> <span class="count"></span></span>' +
        '<span class="health"></span><button></button>';
      element.querySelector(".name").textContent = server.name;
      const button = element.querySelector("button");
      button.onclick = async () => {
        const action = button.textContent === "Stop" ? "stop" : "start";
        button.disabled = true;
        try {
          show(await json(`/api/demo/instances/${server.name}/${action}`, { method: "POST" }));
        } catch (error) {
          say(`${action} ${server.name}: ${error.message}`);
        }
        button.disabled = false;
      };
      $(server.kind === "web" ? "web-servers" : "live-servers").append(element);
      rows.set(server.name, element);
      return element;
    }

    function show(state) {
      for (const server of state.instances) {
        const element = row(server);
        element.className = `server ${side(server.name)} ${server.running ? "" : "stopped"}`;
        element.querySelector("button").textContent = server.running ? "Stop" : "Start";
        const health = element.querySelector(".health");
        const up = server.healthy;
        health.className = `health ${up === null ? "" : up ? "up" : "down"}`;
        health.textContent = up === null ? (server.running ? "running" : "stopped") : up ? "healthy" : "down";
        const count = server.kind === "web" ? tallies.get(server.name) || 0 : server.sessions;
        element.querySelector(".count").textContent =
          server.kind === "web" ? `${count} answered` : `${count} connected`;
      }
    }

    async function watchServers() {
      for (;;) {
        try { show(await json("/api/demo/instances")); } catch { /* the tally shows it */ }
        await sleep(1000);
      }
    }

    // Who answers: one square for each answer.
    let answered = 0, failed = 0;
    const latencies = [];

    function tally(mark, title) {
      const item = document.createElement("li");
      item.className = mark;
      item.title = title;
      $("tally").append(item);
      $("tally").firstChild.remove();
      $("answered").textContent = answered;
      $("failed").textContent = failed;
      if (latencies.length) {
        const sorted = [...latencies].sort((a, b) => a - b);
        $("latency").textContent = `${sorted[sorted.length >> 1].toFixed(1)} ms`;
      }
    }

    // The headers that Martlet adds or keeps.
    function tell(headers) {
      const shown = /^(host|via|connection|x-(forwarded-.*|real-ip|request-id))$/i;
      $("seen").replaceChildren(...headers.filter(([name]) => shown.test(name)).flatMap((pair) =>
        pair.map((text, i) => {
          const element = document.createElement(i ? "dd" : "dt");
          element.textContent = element.title = text;
          return element;
        })));
    }

    async function ask() {
      const start = performance.now();
      try {
        const { instance, headers } = await json("/api/whoami");
        latencies.push(performance.now() - start);
        if (latencies.length > 60) latencies.shift();
        answered += 1;
        tallies.set(instance, (tallies.get(instance) || 0) + 1);
        tally(side(instance), instance);
        tell(headers);
      } catch (error) {
        failed += 1;
        tally("failed", error.message);
      }
    }

    // Engine.IO v4 and Socket.IO v5, the little of them that a page needs: a handshake and the
    // first packets by polling, then a WebSocket, and a new start when the connection is lost.
    class Channel {
      async run() {
        for (let attempt = 0; ; attempt = this.connected ? 0 : attempt + 1) {
          this.connected = false;
          try {
            await this.session();
          } catch (error) {
            if (this.connected) say(`lost ${this.server || "the channel"}: ${error.message}`);
          }
          this.socket?.close();
          this.show(attempt ? "waiting" : "reconnecting", "–", null);
          await sleep(Math.min(250 * 2 ** attempt, 4000));
        }
      }

      // Lives as long as its connection does, and throws at its end.
      async session() {
        this.server = null;
        this.socket = null;
        this.ticks = 0;
        const base = "/socket.io/?EIO=4&transport=";
        const [open] = await this.packets(fetch(`${base}polling`));
        const { sid, pingInterval, pingTimeout } = JSON.parse(open.slice(1));
        const path = `${base}polling&sid=${sid}`;
        this.send = (packet) => this.packets(fetch(path, { method: "POST", body: packet }));
        await this.send("40");

        // Until the WebSocket is open, packets come by polling; afterwards by it.
        const url = new URL(`${base}websocket&sid=${sid}`, location.href);
        url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
        const socket = (this.socket = new WebSocket(url));
        const ended = new Promise((_, fail) => {
          const patience = pingInterval + pingTimeout;
          let timer = setTimeout(fail, patience, new Error("no ping"));
          socket.onmessage = ({ data }) => {
            clearTimeout(timer);
            timer = setTimeout(fail, patience, new Error("no ping"));
            if (data === "3probe") this.upgraded?.();
            else this.receive(data);
          };
          socket.onclose = () => { clearTimeout(timer); fail(new Error("connection closed")); };
        });
        const probed = new Promise((done) => (this.upgraded = done));
        socket.onopen = () => socket.send("2probe");

        let probing = true;
        const polling = (async () => {
          while (probing) for (const packet of await this.packets(fetch(path))) this.receive(packet);
        })();
        try {
          await Promise.race([probed, ended, polling.then(() => probed)]);
        } finally {
          probing = false;
        }
        await polling;
        this.send = (packet) => socket.send(packet);
        this.send("5");
        this.show("connected", "websocket", this.server);
        await ended;
      }

      async packets(request) {
        const response = await request;
        if (!response.ok) throw new Error(`status ${response.status}`);
        return (await response.text()).split("\x1e");
      }

      receive(packet) {
        if (packet === "2") this.send("3");
        else if (packet === "1") this.socket.close();
        else if (packet.startsWith("40")) {
          this.connected = true;
          this.show("connected", "polling", null);
        } else if (packet.startsWith("42")) {
          const [event, data] = JSON.parse(packet.slice(2));
          if (event === "tick") {
            if (data.instance !== this.server) say(`connected to ${data.instance}`);
            this.ticks += 1;
            this.show("connected", data.transport === "websocket" ? "websocket" : "polling", data.instance);
          } else if (event === "hello") say(`“${data}” came back from ${this.server}`);
        }
      }

      show(state, transport, server) {
        this.server = server;
        $("channel-state").textContent = state;
        $("channel-transport").textContent = transport;
        $("channel-server").textContent = server || "–";
        $("channel-server").className = server ? side(server) : "";
        $("channel-ticks").textContent = this.ticks;
      }

      hello(text) {
        if (this.connected) this.send("42" + JSON.stringify(["hello", text]));
        else say("not connected");
      }
    }

    for (let i = 0; i < 60; i++) $("tally").append(document.createElement("li"));
    const channel = new Channel();
    $("hello").onsubmit = (event) => {
      event.preventDefault();
      channel.hello($("hello-text").value);
    };
    watchServers();
    channel.run();
    setInterval(ask, 500);

    """#
}
