DROP TABLE retest_results;
DROP TABLE retests;
DROP TABLE holds;
