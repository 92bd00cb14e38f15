/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request carries its signature, and whether all of it is there. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "aws/aws_sigv4.h"

static const char ALGORITHM[] = "AWS4-HMAC-SHA256";

/* ---- time ---- */

void sigv4_time(int64_t wall_ms, char out[SIGV4_TIME + 1])
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, SIGV4_TIME + 1, "%Y%m%dT%H%M%SZ", &tm);
}

static int digits(struct view v, size_t at, size_t n)
{
	int out = 0;

	for (size_t i = at; i < at + n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return -1;
		out = out * 10 + (v.p[i] - '0');
	}
	return out;
}

/* ISO 8601 basic, the only form of X-Amz-Date. */
static bool iso_time(struct view v, struct tm *tm)
{
	if (v.n != SIGV4_TIME || v.p[8] != 'T' || v.p[15] != 'Z')
		return false;

	int year = digits(v, 0, 4), month = digits(v, 4, 2), day = digits(v, 6, 2);
	int hour = digits(v, 9, 2), minute = digits(v, 11, 2), second = digits(v, 13, 2);

	*tm = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour,
			  .tm_min = minute, .tm_sec = second};
	return year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour >= 0 && hour <= 23 &&
	       minute >= 0 && minute <= 59 && second >= 0 && second <= 60;
}

/* The Date header: RFC 9110 §5.6.7, or the form above. */
static bool header_time(struct view v, struct tm *tm)
{
	char text[40];

	if (iso_time(v, tm))
		return true;
	if (v.n >= sizeof(text))
		return false;
	memcpy(text, v.p, v.n);
	text[v.n] = 0;
	*tm = (struct tm){0};
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", tm);
	return end && !*end && tm->tm_year >= 70;
}

static bool time_take(struct sigv4 *s, struct tm *tm)
{
	s->at_ms = (int64_t)timegm(tm) * 1000;
	sigv4_time(s->at_ms, s->time);
	return true;
}

/* ---- what was sent ---- */

static struct view header_find(const struct sigv4_request *r, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < r->n_headers; i++)
		if (r->headers[i].name.n == n && strncasecmp((const char *)r->headers[i].name.p, name, n) == 0)
			return r->headers[i].value;
	return VIEW_NONE;
}

static struct view query_find(const struct sigv4_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_query; i++)
		if (view_is(r->query[i].name, name))
			return r->query[i].value;
	return VIEW_NONE;
}

struct view sigv4_session_token(const struct sigv4_request *r)
{
	struct view v = header_find(r, "X-Amz-Security-Token");

	return v.n ? v : query_find(r, "X-Amz-Security-Token");
}

/* Cuts what is behind the last slash off *v. */
static bool cut(struct view *v, struct view *part)
{
	const uint8_t *slash = v->n ? memrchr(v->p, '/', v->n) : NULL;

	if (!slash)
		return false;
	size_t at = (size_t)(slash - v->p);
	*part = view_skip(*v, at + 1);
	v->n = at;
	return true;
}

bool sigv4_credential(struct view credential, struct sigv4 *s)
{
	struct view v = credential;

	if (!cut(&v, &s->terminator))
		return false;
	s->id = v;
	if (!cut(&v, &s->service) || !cut(&v, &s->region) || !cut(&v, &s->date) || v.n == 0)
		return false;
	s->key = v;
	s->scope = view_skip(credential, v.n + 1);
	return true;
}

static struct view trimmed(struct view v)
{
	while (v.n && (v.p[0] == ' ' || v.p[0] == '\t'))
		v = view_skip(v, 1);
	while (v.n && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
		v.n--;
	return v;
}

/* Cuts up to the separator off *v, trimmed. */
static struct view word(struct view *v, char separator)
{
	const uint8_t *at = v->n ? memchr(v->p, separator, v->n) : NULL;
	size_t n = at ? (size_t)(at - v->p) : v->n;
	struct view out = view_head(*v, n);

	*v = view_skip(*v, n + 1);
	return trimmed(out);
}

static const char *header_parse(const struct sigv4_request *r, struct view header, struct sigv4 *s)
{
	struct view rest = trimmed(header), credential = VIEW_NONE, date = header_find(r, "X-Amz-Date");
	struct tm tm;

	if (!view_is(word(&rest, ' '), ALGORITHM))
		return "Authorization header requires the algorithm AWS4-HMAC-SHA256.";
	while (rest.n) {
		struct view part = word(&rest, ','), name = word(&part, '=');

		if (view_is(name, "Credential"))
			credential = part;
		else if (view_is(name, "SignedHeaders"))
			s->signed_headers = part;
		else if (view_is(name, "Signature"))
			s->signature = part;
	}
	if (!credential.n)
		return "Authorization header requires 'Credential' parameter.";
	if (!s->signature.n)
		return "Authorization header requires 'Signature' parameter.";
	if (!s->signed_headers.n)
		return "Authorization header requires 'SignedHeaders' parameter.";
	if (!sigv4_credential(credential, s))
		return "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.";
	if (!date.n && !header_find(r, "Date").n)
		return "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
	if (!(date.n ? iso_time(date, &tm) : header_time(header_find(r, "Date"), &tm)) || !time_take(s, &tm))
		return "Date must be in ISO-8601 'basic format'.";
	return NULL;
}

static const char *query_parse(const struct sigv4_request *r, struct sigv4 *s)
{
	struct view expires = query_find(r, "X-Amz-Expires");
	struct tm tm;

	s->signed_headers = query_find(r, "X-Amz-SignedHeaders");
	s->signature = query_find(r, "X-Amz-Signature");
	if (!view_is(query_find(r, "X-Amz-Algorithm"), ALGORITHM))
		return "AWS query-string parameters must include 'X-Amz-Algorithm' with the value AWS4-HMAC-SHA256.";
	if (!s->signature.n)
		return "AWS query-string parameters must include 'X-Amz-Signature'. Re-examine the query-string parameters.";
	if (!s->signed_headers.n)
		return "AWS query-string parameters must include 'X-Amz-SignedHeaders'. Re-examine the query-string "
		       "parameters.";
	if (!sigv4_credential(query_find(r, "X-Amz-Credential"), s))
		return "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.";
	if (!iso_time(query_find(r, "X-Amz-Date"), &tm) || !time_take(s, &tm))
		return "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\".";
	s->expires_s = expires.n && expires.n <= 6 ? digits(expires, 0, expires.n) : -1;
	if (s->expires_s < 1 || s->expires_s > SIGV4_EXPIRES_S_MAX)
		return "X-Amz-Expires must be between 1 and 604800 seconds (a week).";
	return NULL;
}

/* Lower case, ascending, host among them: so none comes twice. */
static const char *signed_headers_check(struct view list)
{
	struct view last = VIEW_NONE;
	bool host = false;
	size_t n = 0;

	while (list.n) {
		struct view name = word(&list, ';');

		if (++n > SIGV4_SIGNED_HEADERS_MAX || view_cmp(last, name) >= 0)
			return "SignedHeaders must be sorted names of headers.";
		host |= view_is(name, "host");
		last = name;
	}
	return host ? NULL : "'Host' must be a 'SignedHeader' in the AWS Authorization.";
}

const char *sigv4_parse(const struct sigv4_request *r, struct sigv4 *s)
{
	struct view header = header_find(r, "Authorization");
	const char *wrong;

	*s = (struct sigv4){0};
	if (header.n)
		s->form = SIGV4_HEADER;
	else if (query_find(r, "X-Amz-Signature").n || query_find(r, "X-Amz-Credential").n)
		s->form = SIGV4_QUERY;
	else
		return NULL;
	wrong = s->form == SIGV4_HEADER ? header_parse(r, header, s) : query_parse(r, s);
	return wrong ? wrong : signed_headers_check(s->signed_headers);
}
