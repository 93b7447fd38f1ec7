#include "lib/die.h"

#include "lib/log.h"
#include "lib/log_write.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { TEMPORARY = 111, PERMANENT = 100 };

_Noreturn void
die_nomem(void)
{
	log_finish();
	log_write(SLICE("quail: event=nomem hint=\"give this process more "
			"memory\"\n"));
	_exit(TEMPORARY);
}

_Noreturn void
die_bug(const char *what)
{
	log_finish(); /* make room */
	log_open("bug");
	log_text("what", what);
	log_close();
	log_finish();
	_exit(TEMPORARY);
}

_Noreturn void
die_sys(const char *what, const char *object)
{
	int e = errno;

	log_finish(); /* make room */
	log_open("fatal");
	log_text("while", what);
	if (object)
		log_text("object", object);
	log_errno(e);
	log_close();
	log_finish();
	_exit(TEMPORARY);
}

_Noreturn void
die_config(const char *what, const char *object)
{
	log_finish(); /* make room */
	log_open("config");
	log_text("what", what);
	if (object)
		log_text("object", object);
	log_close();
	log_finish();
	_exit(PERMANENT);
}
