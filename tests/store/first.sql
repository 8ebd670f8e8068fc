-- A store of the first version, with a run that ended, one that waits and one that is looked at.
BEGIN TRANSACTION;
CREATE TABLE alerts (
	fingerprint VARCHAR(16) NOT NULL, 
	starts_at VARCHAR(40) NOT NULL, 
	status VARCHAR(10) NOT NULL, 
	incident VARCHAR(40) NOT NULL, 
	document TEXT NOT NULL, 
	received_at FLOAT NOT NULL, 
	PRIMARY KEY (fingerprint, starts_at)
);
INSERT INTO "alerts" VALUES('ddae763140fa15b6','2026-03-01T03:00:00+00:00','firing','i-1','{"labels":{"alertname":"MySQLReplicationStopped","instance":"127.0.0.1:3301","severity":"critical"},"status":"firing","starts_at":"2026-03-01T03:00:00Z","annotations":{},"ends_at":null,"generator_url":""}',1772334000.0);
INSERT INTO "alerts" VALUES('e99c224cada7482d','2026-03-01T03:00:00+00:00','firing','i-2','{"labels":{"alertname":"MySQLReplicationStopped","instance":"127.0.0.1:3302","severity":"critical"},"status":"firing","starts_at":"2026-03-01T03:00:00Z","annotations":{},"ends_at":null,"generator_url":""}',1772334000.0);
INSERT INTO "alerts" VALUES('2635e502954e963d','2026-03-01T03:00:00+00:00','firing','i-3','{"labels":{"alertname":"MySQLReplicationStopped","instance":"127.0.0.1:3303","severity":"critical"},"status":"firing","starts_at":"2026-03-01T03:00:00Z","annotations":{},"ends_at":null,"generator_url":""}',1772334000.0);
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	at VARCHAR(40) NOT NULL, 
	event VARCHAR(60) NOT NULL, 
	actor VARCHAR(80) NOT NULL, 
	subject VARCHAR(120) NOT NULL, 
	data TEXT NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (hash)
);
INSERT INTO "audit" VALUES(1,'2026-11-24T12:07:51.686959+00:00','alert.received','intake','ddae763140fa15b6','{"alert":"MySQLReplicationStopped","incident":"i-1","labels":{"alertname":"MySQLReplicationStopped","instance":"127.0.0.1:3301","severity":"critical"}}','0000000000000000000000000000000000000000000000000000000000000000','47b6b262ae3a08dcdf4a2e72bff962c8dad511e3d5c2ce4f9cd1816f7990d3a0');
INSERT INTO "audit" VALUES(2,'2026-11-24T12:07:51.688048+00:00','run.opened','firstmate','r-1','{"runbook":"mysql/replication-stopped","runbook_digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","target":"orders-1"}','47b6b262ae3a08dcdf4a2e72bff962c8dad511e3d5c2ce4f9cd1816f7990d3a0','e140675aaa1aa8c20341f0bc81cd84c075e5b7e10c516894c73a823366dbd755');
INSERT INTO "audit" VALUES(3,'2026-11-24T12:07:51.689546+00:00','alert.received','intake','e99c224cada7482d','{"alert":"MySQLReplicationStopped","incident":"i-2","labels":{"alertname":"MySQLReplicationStopped","instance":"127.0.0.1:3302","severity":"critical"}}','e140675aaa1aa8c20341f0bc81cd84c075e5b7e10c516894c73a823366dbd755','ec8e56835ac2cfc9a1c76aaeee13ea7cc34624f967bcf9cd505605732b6e0b77');
INSERT INTO "audit" VALUES(4,'2026-11-24T12:07:51.690018+00:00','run.opened','firstmate','r-2','{"runbook":"mysql/replication-stopped","runbook_digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","target":"orders-2"}','ec8e56835ac2cfc9a1c76aaeee13ea7cc34624f967bcf9cd505605732b6e0b77','c0aeab09d439e660bc9d343c21cc9b270dbb4f5cc8776085eb0e83923d6d3ebd');
INSERT INTO "audit" VALUES(5,'2026-11-24T12:07:51.691330+00:00','alert.received','intake','2635e502954e963d','{"alert":"MySQLReplicationStopped","incident":"i-3","labels":{"alertname":"MySQLReplicationStopped","instance":"127.0.0.1:3303","severity":"critical"}}','c0aeab09d439e660bc9d343c21cc9b270dbb4f5cc8776085eb0e83923d6d3ebd','a14a2994a81d801be8612c238618201a1a0fd722587d60d467b39edb2f01a030');
INSERT INTO "audit" VALUES(6,'2026-11-24T12:07:51.691721+00:00','run.opened','firstmate','r-3','{"runbook":"mysql/replication-stopped","runbook_digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","target":"orders-3"}','a14a2994a81d801be8612c238618201a1a0fd722587d60d467b39edb2f01a030','15cb1a2cea37194e1206f36c898f2c15ef8e9af0371db27a4d17625248f2513c');
INSERT INTO "audit" VALUES(7,'2026-11-24T12:07:51.696258+00:00','approval.asked','firstmate','r-2','{"digest":"ad0c234266e70ff825e3552de028e151441d18ef6ba378bfd5fd5195003707dc","state":"waiting","statements":["START REPLICA SQL_THREAD"],"target":"orders-2"}','15cb1a2cea37194e1206f36c898f2c15ef8e9af0371db27a4d17625248f2513c','4b6afaadc839aa2d9774a6a05682ff82c6f3592f76d1902bfd04787f743c738b');
INSERT INTO "audit" VALUES(8,'2026-11-24T12:07:51.697617+00:00','halt.set','U0ALICE','everything','{"reason":"drill"}','4b6afaadc839aa2d9774a6a05682ff82c6f3592f76d1902bfd04787f743c738b','f88cd0c9ff7815cf5b46eb8d866311c20f89bf99f3f23e7974d537d0aaf14d75');
INSERT INTO "audit" VALUES(9,'2026-11-24T12:07:51.699300+00:00','lease.taken','firstmate','r-2','{"shard":"orders","token":1}','f88cd0c9ff7815cf5b46eb8d866311c20f89bf99f3f23e7974d537d0aaf14d75','efc41746f96edf0781f57db28c15c0ff830bccf96f08198d91f9fb3d37b2610b');
INSERT INTO "audit" VALUES(10,'2026-11-24T12:07:51.700575+00:00','change.intended','firstmate','r-2','{"digest":"ad0c234266e70ff825e3552de028e151441d18ef6ba378bfd5fd5195003707dc","what":"change"}','efc41746f96edf0781f57db28c15c0ff830bccf96f08198d91f9fb3d37b2610b','308222f24c5d4094a40e87d4d165c523d8b2a225efca524fb9e1e9eb00e3bd0e');
CREATE TABLE decisions (
	run VARCHAR(40) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	user VARCHAR(60) NOT NULL, 
	choice VARCHAR(10) NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (run, digest, user)
);
CREATE TABLE halts (
	scope VARCHAR(120) NOT NULL, 
	"by" VARCHAR(60) NOT NULL, 
	reason TEXT NOT NULL, 
	since FLOAT NOT NULL, 
	PRIMARY KEY (scope)
);
INSERT INTO "halts" VALUES('','U0ALICE','drill',1772334000.0);
CREATE TABLE intents (
	run VARCHAR(40) NOT NULL, 
	what VARCHAR(20) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	outcome TEXT DEFAULT '' NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (run, what)
);
INSERT INTO "intents" VALUES('r-2','change','intent','ad0c234266e70ff825e3552de028e151441d18ef6ba378bfd5fd5195003707dc','',1772334000.0);
CREATE TABLE leases (
	shard VARCHAR(120) NOT NULL, 
	run VARCHAR(40) NOT NULL, 
	token INTEGER NOT NULL, 
	until FLOAT NOT NULL, 
	PRIMARY KEY (shard)
);
INSERT INTO "leases" VALUES('orders','r-2',1,1772334060.0);
CREATE TABLE messages (
	"key" VARCHAR(80) NOT NULL, 
	channel VARCHAR(40) NOT NULL, 
	thread_key VARCHAR(80), 
	priority INTEGER NOT NULL, 
	payload TEXT NOT NULL, 
	wanted VARCHAR(64) NOT NULL, 
	sent VARCHAR(64) DEFAULT '' NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	ts VARCHAR(30), 
	attempt INTEGER DEFAULT '0' NOT NULL, 
	not_before FLOAT DEFAULT '0' NOT NULL, 
	error TEXT DEFAULT '' NOT NULL, 
	put_at FLOAT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE refused_bodies (
	id INTEGER NOT NULL, 
	received_at FLOAT NOT NULL, 
	source VARCHAR(40) NOT NULL, 
	reason TEXT NOT NULL, 
	body BLOB NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE runs (
	id VARCHAR(40) NOT NULL, 
	incident VARCHAR(40) NOT NULL, 
	incident_key VARCHAR(300) NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	shard VARCHAR(120) NOT NULL, 
	opened_at FLOAT NOT NULL, 
	document TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('r-1','i-1','k-1','diagnosed','orders',1772334000.0,'{"id":"r-1","incident":"i-1","channel":"C0DBALERTS","state":"diagnosed","opened_at":"2026-03-01T03:00:00Z","alert":{"labels":{"alertname":"MySQLReplicationStopped","instance":"127.0.0.1:3301","severity":"critical"},"status":"firing","starts_at":"2026-03-01T03:00:00Z","annotations":{},"ends_at":null,"generator_url":""},"requester":"firstmate","runbook":"mysql/replication-stopped","runbook_digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","runbook_text":"runbook: mysql/replication-stopped","title":"Replication stopped","target":"orders-1","shard":"orders","matched":"","steps":[],"causes":[],"plan":null,"verdicts":[],"decisions":[],"approvals_needed":1,"expires_at":null,"says":"There is nothing to change.","revert_at":null,"timeline":[{"at":"2026-03-01T03:00:00Z","what":"alert received"}],"resolved_at":null,"overrides":{}}');
INSERT INTO "runs" VALUES('r-2','i-2','k-2','waiting','orders',1772334000.0,'{"id":"r-2","incident":"i-2","channel":"C0DBALERTS","state":"waiting","opened_at":"2026-03-01T03:00:00Z","alert":{"labels":{"alertname":"MySQLReplicationStopped","instance":"127.0.0.1:3302","severity":"critical"},"status":"firing","starts_at":"2026-03-01T03:00:00Z","annotations":{},"ends_at":null,"generator_url":""},"requester":"firstmate","runbook":"mysql/replication-stopped","runbook_digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","runbook_text":"runbook: mysql/replication-stopped","title":"Replication stopped","target":"orders-2","shard":"orders","matched":"","steps":[],"causes":[],"plan":{"remedy":"start_applier","title":"Start the applier","action":"mysql.start_replica","parameters":{"thread":"applier"},"target":"orders-2","address":"127.0.0.1:3302","server":"uuid-2","statements":["START REPLICA SQL_THREAD"],"undo":["STOP REPLICA SQL_THREAD"],"undo_says":"Undone by the statements shown.","risk":"reversible","blast_radius":"1 of 2 replicas of orders","revert_after":null},"verdicts":[],"decisions":[],"approvals_needed":1,"expires_at":"2026-03-01T03:05:00Z","says":"","revert_at":null,"timeline":[{"at":"2026-03-01T03:00:00Z","what":"alert received"}],"resolved_at":null,"overrides":{}}');
INSERT INTO "runs" VALUES('r-3','i-3','k-3','triaging','orders',1772334000.0,'{"id":"r-3","incident":"i-3","channel":"C0DBALERTS","state":"triaging","opened_at":"2026-03-01T03:00:00Z","alert":{"labels":{"alertname":"MySQLReplicationStopped","instance":"127.0.0.1:3303","severity":"critical"},"status":"firing","starts_at":"2026-03-01T03:00:00Z","annotations":{},"ends_at":null,"generator_url":""},"requester":"firstmate","runbook":"mysql/replication-stopped","runbook_digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","runbook_text":"runbook: mysql/replication-stopped","title":"Replication stopped","target":"orders-3","shard":"orders","matched":"","steps":[],"causes":[],"plan":null,"verdicts":[],"decisions":[],"approvals_needed":1,"expires_at":null,"says":"","revert_at":null,"timeline":[{"at":"2026-03-01T03:00:00Z","what":"alert received"}],"resolved_at":null,"overrides":{}}');
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(1);
CREATE INDEX ix_alerts_incident ON alerts (incident);
CREATE INDEX ix_runs_opened_at ON runs (opened_at);
CREATE INDEX ix_runs_incident ON runs (incident);
CREATE INDEX ix_runs_state ON runs (state);
CREATE INDEX ix_runs_incident_key ON runs (incident_key);
COMMIT;
