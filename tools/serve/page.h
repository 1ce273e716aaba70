// The page that browsers get at `/`: page.html of this folder, whole, in one file.
#pragma once

#include <string_view>

#include "http.h"

namespace sapwood::serve {

std::string_view page_html();

// Whether the Accept header names text/html, as browsers' do; "*/*", which all others send, is no wish for a page.
bool accepts_html(const HttpRequest& request);

// The page, or 304 where the client has this very one. Its Content-Security-Policy lets nothing run but the script and the
// style that stand in it, and lets that script speak to this server alone.
HttpResponse page_response(const HttpRequest& request);

}  // namespace sapwood::serve
