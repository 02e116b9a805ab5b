"""The figures for people and programs: JSON, CSV, Arrow and pages over HTTP."""
