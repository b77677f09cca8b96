"""The two servers that are compared, each started with the eight variables of the frontend's entrypoint."""

import os
import signal
import socket
from dataclasses import asdict, dataclass

from support.martlet import BINARY, CRASH
from support.peers import OWN_ADDRESS
from support.process import Process, completed
from support.waiting import until
from support.wire import parse_address

# The image runs as a user of no rights. Root reads what is unreadable, so tests of root step down.
UNPRIVILEGED = (
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--pdeathsig", "KILL", "--"] if os.geteuid() == 0 else []
)

SECURITY_HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "Referrer-Policy": "same-origin, strict-origin-when-cross-origin",
}

# Beside text/html, which nginx always compresses.
GZIP_TYPES = (
    "application/atom+xml application/javascript application/json application/rss+xml "
    "application/vnd.ms-fontobject application/x-font-ttf application/font-woff "
    "application/x-web-app-manifest+json application/xhtml+xml application/xml "
    "font/opentype image/svg+xml image/x-icon text/css text/plain text/x-component"
)


@dataclass(frozen=True)
class Variables:
    """What an operator sets, with the entrypoint's defaults."""

    BACKEND: str = ""
    SOCKETIO: str = ""
    UPSTREAM_REAL_IP_ADDRESS: str = "127.0.0.1"
    UPSTREAM_REAL_IP_HEADER: str = "X-Forwarded-For"
    UPSTREAM_REAL_IP_RECURSIVE: str = "off"
    FRAPPE_SITE_NAME_HEADER: str = "$host"
    PROXY_READ_TIMEOUT: str = "120"
    CLIENT_MAX_BODY_SIZE: str = "50m"


def nginx_configuration(variables, address, sites, folder):
    """The frontend's nginx, and of Debian's nginx.conf around it what an answer shows."""
    site = variables.FRAPPE_SITE_NAME_HEADER
    security = "\n".join(f'add_header {name} "{value}" always;' for name, value in SECURITY_HEADERS.items())

    def upstream_fields(**more):
        fields = {
            "Host": "$host",
            "X-Forwarded-Proto": "$client_scheme",
            "X-Frappe-Site-Name": site,
            **more,
        }
        return "\n".join(f"proxy_set_header {name} {value};" for name, value in fields.items())

    web = upstream_fields(**{"X-Forwarded-For": "$remote_addr", "X-Use-X-Accel-Redirect": "True"})
    realtime = upstream_fields(
        **{
            "X-Forwarded-For": "$proxy_add_x_forwarded_for",
            "Upgrade": "$http_upgrade",
            "Connection": '"upgrade"',
            "Origin": f"$client_scheme://{site}",
        }
    )
    return f"""
    daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;
    events {{ worker_connections 768; }}
    http {{
      include /etc/nginx/mime.types;
      default_type application/octet-stream;
      access_log off;
      sendfile on;
      tcp_nopush on;
      client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
      fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;

      map $http_x_forwarded_proto $client_scheme {{ https https; default $scheme; }}
      upstream backend-server {{ server {variables.BACKEND} fail_timeout=0; }}
      upstream socketio-server {{ server {variables.SOCKETIO} fail_timeout=0; }}

      server {{
        listen {address[0]}:{address[1]};
        server_name {site};
        root {sites};
        absolute_redirect off;
        keepalive_timeout 15;
        client_header_buffer_size 1k;
        client_body_buffer_size 16K;
        client_max_body_size {variables.CLIENT_MAX_BODY_SIZE};
        proxy_http_version 1.1;
        proxy_buffer_size 128k; proxy_buffers 4 256k; proxy_busy_buffers_size 256k;
        set_real_ip_from {variables.UPSTREAM_REAL_IP_ADDRESS};
        real_ip_header {variables.UPSTREAM_REAL_IP_HEADER};
        real_ip_recursive {variables.UPSTREAM_REAL_IP_RECURSIVE};
        gzip on; gzip_vary on; gzip_proxied any; gzip_http_version 1.1;
        gzip_comp_level 5; gzip_min_length 256; gzip_types {GZIP_TYPES};
        {security}

        location /assets {{ try_files $uri =404; }}
        location ~ ^/protected/(.*) {{ internal; try_files /{site}/$1 =404; }}
        location /socket.io {{ {realtime} proxy_pass http://socketio-server; }}
        location / {{
          rewrite ^(.+)/$ $1 permanent;
          rewrite ^(.+)/index\\.html$ $1 permanent;
          rewrite ^(.+)\\.html$ $1 permanent;
          location ~ ^/files/.*.(htm|html|svg|xml) {{
            {security}
            add_header Content-disposition "attachment";
            try_files /{site}/public/$uri @webserver;
          }}
          try_files /{site}/public/$uri @webserver;
        }}
        location @webserver {{
          {web}
          proxy_redirect off;
          proxy_read_timeout {variables.PROXY_READ_TIMEOUT};
          proxy_pass http://backend-server;
        }}
      }}
    }}
    """


class Server:
    """A running frontend: `name`, `address`, and its `process`."""

    def stop(self):
        # Neither waits for those who may not have noticed yet.
        self.process.terminate(by=signal.SIGINT)


class NginxFrontend(Server):
    name = "nginx"

    def __init__(self, variables, sites, folder, edit=lambda text: text):
        self.address = unused_address()
        file = folder / "nginx.conf"
        file.write_text(edit(nginx_configuration(variables, self.address, sites, folder)))
        self.process = Process([*UNPRIVILEGED, "nginx", "-e", "stderr", "-c", file, "-p", folder])
        try:
            until(self._is_listening, "nginx listens")
        except BaseException:
            self.process.kill()
            raise AssertionError("nginx does not start:\n" + self.process.stderr.text())

    def _is_listening(self):
        assert self.process.exit_code is None
        try:
            socket.create_connection(self.address, 1).close()
        except ConnectionRefusedError:
            return False
        return True


class MartletFrontend(Server):
    """`martlet frappe`, or `martlet run` with the file that `martlet frappe --print` gave and `edit` changed."""

    name = "martlet"

    def __init__(self, variables, sites, folder, printed=False, edit=None):
        environment = asdict(variables)
        options = ["--listen", "127.0.0.1:0", "--sites", sites, "--admin", "127.0.0.1:0"]
        if printed or edit:
            text = printed_configuration(variables, sites)
            file = folder / "martlet.yaml"
            file.write_text(edit(text) if edit else text)
            arguments = ["run", "--config", file]
        else:
            arguments = ["frappe", *options]
        self.process = Process([*UNPRIVILEGED, BINARY, *arguments], env=environment, cwd=folder)
        try:
            self.address = parse_address(self.process.stderr.wait_for(r"(?<!admin )listening on (\S+:\d+)")[0][1])
        except BaseException:
            self.process.kill()
            raise

    def stop(self):
        super().stop()
        said = self.process.stderr.text()
        assert not CRASH.search(said), f"martlet crashed:\n{said[-4000:]}"


def printed_configuration(variables, sites):
    """What `martlet frappe --print` writes."""
    done = completed(
        [BINARY, "frappe", "--print", "--listen", "127.0.0.1:0", "--sites", sites, "--admin", "127.0.0.1:0"],
        env=asdict(variables),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def unused_address():
    """A free port at this run's own loopback address: nobody else takes it before nginx does."""
    with socket.socket() as probe:
        probe.bind((OWN_ADDRESS, 0))
        return probe.getsockname()
