DROP TABLE exposure_decisions;
DROP TABLE exposures;
DROP TABLE version_sets;
DROP TABLE advisories;
DROP TABLE feeds;
DROP TABLE component_lists;
