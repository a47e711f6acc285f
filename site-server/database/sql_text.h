/*
 * sql_text.h - an SQL file as the build embeds it.
 */
#ifndef DATABASE_SQL_TEXT_H
#define DATABASE_SQL_TEXT_H

struct sql_text {
    const char *name; /* the file's name without .sql; also the name of the prepared statement */
    const char *text;
};

#endif
