/* take_agents.c - the table agents: whose next hops of a name are, and how
 * many processes may serve them */
#include "cdb/grammar.h"
#include "cdb/keys.h"
#include "cdb/option.h"
#include "cdb/rows_tables.h"

enum { USER_MAX = 31 };

static bool
good_user(struct slice value)
{
	size_t i;

	for (i = 0; i < value.len; i++) {
		char c = value.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '_' ||
		      (i > 0 && (c == '-' || c == '.'))))
			return false;
	}
	return value.len > 0 && value.len <= USER_MAX;
}

static const struct option_kind kinds[] = {
    {"user", good_user,
     "$ is not a user; write user=NAME, or user=NUMBER, of this host"},
    {"processes", option_good_count,
     "$ is not a number of processes; write processes=2 or the like"},
    {NULL, NULL,
     "$ is not an option of agents; write user=USER or processes=N"},
};

/* One of ours; of those the table can say only more. */
static bool
is_ours(struct slice name)
{
	static const char *const ours[] = {"qmtp", "qmtps", "smtp", "maildir"};
	size_t i;

	for (i = 0; i < sizeof ours / sizeof *ours; i++)
		if (slice_eq(name, slice_text(ours[i])))
			return true;
	return false;
}

static bool
good_options(struct rows *r, struct slice words)
{
	struct slice word;

	while ((word = slice_word(&words)).len > 0)
		if (!rows_right(r, option_fault(kinds, word), word))
			return false;
	return true;
}

/* NAME [user=USER] [processes=N] */
void
rows_take_agents(struct rows *r, struct slice words)
{
	struct slice options = words, name = slice_word(&options), user;

	options = slice_trim(options);
	if (!rows_right(r,
			grammar_is_agent(name) ||
				(is_ours(name) && options.len > 0)
			    ? NULL
			    : "$ cannot be an agent's name; write letters and "
			      "digits, and none of the words of routes; behind "
			      "qmtp, qmtps, smtp and maildir user= or "
			      "processes=",
			name) ||
	    !good_options(r, options) ||
	    !rows_first(r, rows_lower(r, name), name))
		return;
	rows_put(r, rows_lower(r, name), options);
	if (option_value(options, "user", &user))
		rows_put(r, SLICE(""), user);
}
