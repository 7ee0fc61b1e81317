"""Campaigns: targets judged on many seeds, by any number of processes on one machine or many."""
