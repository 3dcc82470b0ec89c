DROP TABLE telemetry;
DROP TABLE pump_states;
DROP TABLE presence;
