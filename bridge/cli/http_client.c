/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/http_client.h"

#include <curl/curl.h>

static size_t collect(char *data, size_t size, size_t n, void *ctx)
{
	return buf_add(ctx, view_of(data, size * n)) ? size * n : 0;
}

static void call_prepare(CURL *curl, const struct http_call *c, struct buf *out)
{
	curl_easy_setopt(curl, CURLOPT_URL, c->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, c->method);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, c->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
	if (c->user) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERNAME, c->user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, c->password ? c->password : "");
	}
	if (c->json.n) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->json.n);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)c->json.p);
	}
}

long http_client_call(const struct http_call *c, struct buf *out, struct error *e)
{
	long status = -1;
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (!curl || !headers) {
		error_set(e, CODE_UNAVAILABLE, "libcurl does not start");
	} else {
		call_prepare(curl, c, out);
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		CURLcode did = curl_easy_perform(curl);
		if (did == CURLE_OK)
			curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		else
			error_set(e, CODE_UNAVAILABLE, "%s", curl_easy_strerror(did));
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return status;
}
