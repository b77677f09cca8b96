"""The comparison sees: a frontend with one rule broken differs from the whole one, and no deliberate difference hides it.

A mutant is nginx with one directive changed, so that what is tested is the corpus and the rules of
`parity/differences.py`, whatever Martlet does; or it is Martlet with one line of its file changed.
"""

import pytest

from parity.comparison import compare
from parity.corpus import (
    assets,
    bodies,
    compression,
    connections,
    forwarded,
    frappe,
    heads,
    origins,
    private_files,
    public_files,
    realtime,
    rewrites,
)
from parity.differences import explained_by
from parity.exchange import exchange
from parity.frontend import SECURITY_HEADERS, MartletFrontend, NginxFrontend

# What is broken, by what, and which topic must show it.
MUTANTS = {
    **{
        f"no {name}": (f'add_header {name} "{value}" always;', "", topic)
        for (name, value), topic in zip(SECURITY_HEADERS.items(), (assets, public_files, rewrites, bodies, origins), strict=True)
    },
    "security headers on good answers only": ("always;", ";", heads),
    "compression from 20 bytes on": ("gzip_min_length 256", "gzip_min_length 20", compression),
    "no Vary": ("gzip_vary on", "gzip_vary off", compression),
    "no compression": ("gzip on;", "gzip off;", compression),
    "icons are not compressed": (" image/x-icon", "", compression),
    "no compression behind a proxy": ("gzip_proxied any", "gzip_proxied off", compression),
    "compression for HTTP/1.0": ("gzip_http_version 1.1", "gzip_http_version 1.0", compression),
    "protected files are public": ("internal;", "", private_files),
    "protected files are not found": ("location ~ ^/protected/(.*)", "location ~ ^/never/(.*)", private_files),
    "slashes are not redirected": ("rewrite ^(.+)/$ $1 permanent;", "", rewrites),
    "indices are not redirected": ("rewrite ^(.+)/index\\.html$ $1 permanent;", "", rewrites),
    "pages are not redirected": ("rewrite ^(.+)\\.html$ $1 permanent;", "", rewrites),
    "redirects are not permanent": ("permanent", "redirect", rewrites),
    "redirects are absolute": ("absolute_redirect off;", "", rewrites),
    "the client's address is appended": ("X-Forwarded-For $remote_addr", "X-Forwarded-For $proxy_add_x_forwarded_for", forwarded),
    "the client's address is replaced for realtime": (
        "X-Forwarded-For $proxy_add_x_forwarded_for",
        "X-Forwarded-For $remote_addr",
        realtime,
    ),
    "no proxy is trusted": ("set_real_ip_from 127.0.0.1", "set_real_ip_from 192.0.2.1", forwarded),
    "the address is read recursively": ("real_ip_recursive off", "real_ip_recursive on", forwarded),
    "the scheme is the connection's": ("X-Forwarded-Proto $client_scheme", "X-Forwarded-Proto $scheme", forwarded),
    "the scheme is the client's word": (
        "X-Forwarded-Proto $client_scheme",
        "X-Forwarded-Proto $http_x_forwarded_proto",
        forwarded,
    ),
    "the Host keeps its port": ("proxy_set_header Host $host", "proxy_set_header Host $http_host", heads),
    "the site is not told": ("proxy_set_header X-Frappe-Site-Name $host;", "", forwarded),
    "permissions are not asked for": ("proxy_set_header X-Use-X-Accel-Redirect True;", "", frappe),
    "names with _ pass": ("absolute_redirect off;", "absolute_redirect off; underscores_in_headers on;", forwarded),
    "the origin is the browser's": ("proxy_set_header Origin $client_scheme://$host;", "", realtime),
    "no upgrade": ("proxy_set_header Upgrade $http_upgrade;", "", realtime),
    "redirects of the backend are rewritten": ("proxy_redirect off;", "", origins),
    "missing assets are asked for": (
        "location /assets { try_files $uri =404; }",
        "location /assets { try_files $uri @webserver; }",
        assets,
    ),
    "public files are not looked for": ("try_files /$host/public/$uri @webserver;", "try_files /never @webserver;", public_files),
    "pages are shown": ('add_header Content-disposition "attachment";', "", public_files),
    "pages of any case are downloads": ("location ~ ^/files/", "location ~* ^/files/", public_files),
    "small bodies only": ("client_max_body_size 50m", "client_max_body_size 20", bodies),
    "small heads of the backend": ("proxy_buffer_size 128k", "proxy_buffer_size 64k", origins),
    "requests stream": ("client_body_buffer_size 16K;", "client_body_buffer_size 16K; proxy_request_buffering off;", bodies),
    "the backend is asked with HTTP/1.0": ("proxy_http_version 1.1;", "", connections),
    "connections are not kept": ("keepalive_timeout 15", "keepalive_timeout 0", connections),
    "no tags": ("absolute_redirect off;", "absolute_redirect off; etag off;", assets),
    "times need not be exact": ("absolute_redirect off;", "absolute_redirect off; if_modified_since before;", assets),
    "slashes are not merged": ("absolute_redirect off;", "absolute_redirect off; merge_slashes off;", assets),
    "links are not followed": ("absolute_redirect off;", "absolute_redirect off; disable_symlinks on;", assets),
    "another default type": ("default_type application/octet-stream", "default_type text/plain", assets),
}


# The same with the file that `martlet frappe --print` writes.
PRINTED = {
    "no X-Frame-Options": ("    X-Frame-Options: SAMEORIGIN\n", "", assets),
    "the scheme is the connection's": ('X-Forwarded-Proto: "{proto}"', 'X-Forwarded-Proto: "{scheme}"', forwarded),
    "the scheme is the client's word": ("map: {https: https}", "map: {https: https, wss: wss}", forwarded),
    "compression from 300 bytes on": ("min_length: 256", "min_length: 300", compression),
    "JSON is not compressed": ("    - application/json\n", "", compression),
    "protected files are public": ("    internal: true\n    files: {alias", "    files: {alias", private_files),
    "slashes are not redirected": ("regex: '^/(.+)/$'", "regex: '^/never/$'", rewrites),
    "pages are not redirected": ("regex: '^/(.*).html$'", "regex: '^/never$'", rewrites),
    "redirects are not permanent": ("status: 301}", "status: 302}", rewrites),
    "the client's address is appended": ('X-Forwarded-For: "{client_address}"', 'X-Forwarded-For: "{forwarded_for}"', forwarded),
    "the address is read recursively": ("recursive: false", "recursive: true", forwarded),
    "the Host keeps its port": ('host: "{host}"', "host: preserve", heads),
    "the site is not told": ('X-Frappe-Site-Name: "{site}"', 'X-Site: "{site}"', forwarded),
    "permissions are not asked for": ('X-Use-X-Accel-Redirect: "True"', 'X-Use: "True"', frappe),
    "the origin is the browser's": ('Origin: "{proto}://{site}"', 'X-Origin: "{proto}://{site}"', realtime),
    "no upgrade": ("      upgrade: websocket\n", "", realtime),
    "pages are shown": ("value: attachment", "value: inline", public_files),
    "pages are downloads when they are there": ("'^/files/.*.(htm|html|svg|xml)'", "'^/files/.*.(htm|html|svg)$'", public_files),
    "other sites' files": ('try: "/{site}/public{path}"', 'try: "/erp.test/public{path}"', public_files),
    "small bodies only": ("body: 50m", "body: 20", bodies),
    "small heads of the backend": ("response_head: 128KiB", "response_head: 64KiB", origins),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_rule_is_seen(bench, name):
    assert _is_seen(bench, NginxFrontend, *MUTANTS[name])


@pytest.mark.parametrize("name", PRINTED)
def test_a_broken_rule_of_martlets_file_is_seen(bench, name):
    assert _is_seen(bench, MartletFrontend, *PRINTED[name])


def _is_seen(bench, kind, whole, broken, topic):
    """Whether a row of `topic` tells a frontend with `broken` in place of `whole` from nginx."""

    def edit(text):
        assert whole in text, f"no {whole!r} in the configuration"
        return text.replace(whole, broken)

    server, recorders = bench.start(lambda *arguments: kind(*arguments, edit=edit), "plain")
    try:
        for row in topic.ROWS:
            if row.variant != "plain":
                continue
            nginx, other = bench.run("nginx", row), exchange(row, server.address, recorders)
            if any(not explained_by(row, one, nginx, other) for one in compare(nginx, other)):
                return True
        return False
    finally:
        server.stop()
        for recorder in recorders:
            recorder.close()
