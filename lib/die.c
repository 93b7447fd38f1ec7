#include "lib/die.h"

#include "lib/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { TEMPORARY = 111, PERMANENT = 100 };

_Noreturn void
die_nomem(void)
{
	static const char line[] = "quail: event=nomem hint=\"give this "
				   "process more memory\"\n";
	ssize_t n;

	log_flush();
	n = write(2, line, sizeof line - 1);
	(void)n;
	_exit(TEMPORARY);
}

_Noreturn void
die_bug(const char *what)
{
	log_open("bug");
	log_text("what", what);
	log_close();
	log_flush();
	_exit(TEMPORARY);
}

_Noreturn void
die_sys(const char *what, const char *object)
{
	int e = errno;

	log_open("fatal");
	log_text("while", what);
	if (object)
		log_text("object", object);
	log_errno(e);
	log_close();
	log_flush();
	_exit(TEMPORARY);
}

_Noreturn void
die_config(const char *what, const char *object)
{
	log_open("config");
	log_text("what", what);
	if (object)
		log_text("object", object);
	log_close();
	log_flush();
	_exit(PERMANENT);
}
