-- What the database has to contain. It is run at every start, so every statement must bear to be run again.
set client_min_messages = warning; -- it is no news that a table exists

create table if not exists notes (
	id      bigint generated always as identity primary key,
	text    text not null check (text <> ''),
	written timestamptz not null default now()
);
