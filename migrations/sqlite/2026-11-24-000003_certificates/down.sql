DROP TABLE certificates;
DROP TABLE enrol_tokens;
DROP TABLE anchors;
DROP TABLE server_certificates;
DROP TABLE crls;
DROP TABLE authorities;
